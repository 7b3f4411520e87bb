package kodexatest

import (
	"math"
	"net/http"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/uuid"

	kodexa "github.com/kodexa-community/kodexa-go"
	"github.com/kodexa-community/kodexa-go/internal/contract"
)

// Masked stands for a token in what [Text] returns.
const Masked = "[masked]"

// Text returns a session as indented JSON with its token masked, to be shown in the message of a failed test: formatting a
// session shows nothing of it.
func Text(v kodexa.Session) string {
	if v.Token != nil {
		v.Token = new(Masked)
	}
	text, err := json.Marshal(v, jsontext.WithIndent("  "))
	if err != nil {
		return err.Error()
	}
	return string(text)
}

// SetSession stores a copy of v, in place of the one with its id. Give it a ChangeSequence, as the platform does: ModifySession
// refuses a session that has none. SetSession panics if v.ID is not a UUID, with or without dashes, or if v breaks the contract.
func (s *Server) SetSession(v kodexa.Session) {
	if v.ID == nil {
		panic("kodexatest: SetSession: the session has no id")
	}
	id, err := uuid.Parse(*v.ID)
	if err != nil {
		panic("kodexatest: SetSession: the session's id is not a UUID")
	}
	data, err := json.Marshal(v)
	if err == nil {
		_, err = kodexa.ParseSession(data)
	}
	if err != nil {
		panic("kodexatest: SetSession: " + err.Error())
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.sessions[id] = v.Clone()
}

// Session returns a copy of the stored session with this id, and whether there is one.
func (s *Server) Session(id uuid.UUID) (kodexa.Session, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	v, found := s.sessions[id]
	return v.Clone(), found
}

func (s *Server) getSession(w http.ResponseWriter, r *http.Request) {
	stored, found := s.Session(uuid.MustParse(r.PathValue("id")))
	if !found {
		refuse(w, http.StatusNotFound, "no such session")
		return
	}
	write(w, http.StatusOK, stored)
}

func (s *Server) updateSession(w http.ResponseWriter, r *http.Request) {
	id := uuid.MustParse(r.PathValue("id")) // as the contract wants it
	var sent kodexa.Session
	if err := json.UnmarshalRead(r.Body, &sent); err != nil {
		refuse(w, http.StatusBadRequest, "the body is not a session")
		return
	}
	if sent.ID != nil {
		if other, err := uuid.Parse(*sent.ID); err == nil && uuid.Validate(*sent.ID) == nil && other != id {
			another := []contract.Violation{{Pointer: "/id", Reason: "value must be the id in the path"}}
			refuse(w, http.StatusBadRequest, broken(kodexa.InRequest, 0, another))
			return
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	stored, found := s.sessions[id]
	if !found {
		refuse(w, http.StatusNotFound, "no such session")
		return
	}
	var sequence int32
	if stored.ChangeSequence != nil {
		sequence = *stored.ChangeSequence
	}
	if sent.ChangeSequence != nil && *sent.ChangeSequence != sequence {
		refuse(w, http.StatusConflict, "the session was updated since it was read")
		return
	}
	if sequence == math.MaxInt32 {
		refuse(w, http.StatusInternalServerError, "changeSequence is exhausted")
		return
	}
	sent.ID = stored.ID
	if sent.CreatedOn == nil {
		sent.CreatedOn = stored.CreatedOn
	}
	sent.ChangeSequence = new(sequence + 1)
	sent.UpdatedOn = new(time.Now().UTC())
	s.sessions[id] = sent
	write(w, http.StatusOK, sent)
}

func refuse(w http.ResponseWriter, status int, message string) {
	write(w, status, map[string]string{"message": message})
}

func write(w http.ResponseWriter, status int, value any) {
	body, err := json.Marshal(value)
	if err != nil {
		status, body = http.StatusInternalServerError, []byte(`{"message":"the answer can't be encoded"}`)
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = w.Write(body)
}
