// Package handwritten is a client as one writes it without a contract: net/http, encoding/json and structs.
package handwritten

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"time"

	"github.com/google/uuid"
)

// Session is a processing session for document operations.
type Session struct {
	ChangeSequence *int32        `json:"changeSequence,omitempty"`
	CreatedOn      *time.Time    `json:"createdOn,omitempty"`
	ID             *string       `json:"id,omitempty"`
	Organization   *Organization `json:"organization,omitempty"`
	OrganizationID *string       `json:"organizationId,omitempty"`
	State          *string       `json:"state,omitempty"`
	Token          *string       `json:"token,omitempty"`
	UpdatedOn      *time.Time    `json:"updatedOn,omitempty"`
	UUID           *string       `json:"uuid,omitempty"`
}

// Organization is what a session belongs to.
type Organization struct {
	AuthGroupLink             *AuthGroupLink `json:"authGroupLink,omitempty"`
	ChangeSequence            *int32         `json:"changeSequence,omitempty"`
	CreatedOn                 *time.Time     `json:"createdOn,omitempty"`
	DefaultToPrivateTemplates *bool          `json:"defaultToPrivateTemplates,omitempty"`
	Description               *string        `json:"description,omitempty"`
	EnterpriseOrganization    *bool          `json:"enterpriseOrganization,omitempty"`
	Features                  map[string]any `json:"features,omitempty"`
	HasImage                  *bool          `json:"hasImage,omitempty"`
	ID                        *string        `json:"id,omitempty"`
	Memory                    *Memory        `json:"memory,omitempty"`
	Name                      *string        `json:"name,omitempty"`
	OrganizationStatus        *string        `json:"organizationStatus,omitempty"`
	Properties                map[string]any `json:"properties,omitempty"`
	PublicAccess              *bool          `json:"publicAccess,omitempty"`
	SearchText                *string        `json:"searchText,omitempty"`
	Slug                      *string        `json:"slug,omitempty"`
	StripeCustomerID          *string        `json:"stripeCustomerId,omitempty"`
	SupportAccess             *bool          `json:"supportAccess,omitempty"`
	SupportAccessExpiresAt    *time.Time     `json:"supportAccessExpiresAt,omitempty"`
	UpdatedOn                 *time.Time     `json:"updatedOn,omitempty"`
	UUID                      *string        `json:"uuid,omitempty"`
}

// AuthGroupLink links an organization to its authorization group.
type AuthGroupLink struct {
	AuthGroup *string `json:"authGroup,omitempty"`
}

// Memory is organization-level memory and configuration.
type Memory struct {
	OrderedDashboards []string `json:"orderedDashboards,omitempty"`
}

// Client updates sessions and checks the status of the answer, nothing else.
type Client struct {
	URL    string
	APIKey string
	HTTP   *http.Client
}

// UpdateSession stores s as the session id and returns the session as the server stored it.
func (c *Client) UpdateSession(ctx context.Context, id uuid.UUID, s *Session) (*Session, error) {
	body, err := json.Marshal(s)
	if err != nil {
		return nil, err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPut, c.URL+"/api/sessions/"+id.String(), bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("X-Api-Key", c.APIKey)
	res, err := c.HTTP.Do(req)
	if err != nil {
		return nil, err
	}
	defer func() { _ = res.Body.Close() }()
	if res.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("update session: %s", res.Status)
	}
	updated := new(Session)
	if err := json.NewDecoder(res.Body).Decode(updated); err != nil {
		return nil, err
	}
	return updated, nil
}
