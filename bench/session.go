package main

import (
	"bytes"
	"fmt"
	"strconv"
)

// shape says which member makes a session large.
type shape string

const (
	nestedMap   shape = "nested map"
	flatMap     shape = "flat map"
	stringArray shape = "string array"
)

// sessionFormat has every member of the contract; free are features, properties and dashboards.
const sessionFormat = `{"changeSequence":7,"createdOn":"2023-11-07T05:31:56Z","id":"550e8400-e29b-41d4-a716-446655440000",` +
	`"organization":{"authGroupLink":{"authGroup":"acme-administrators"},"changeSequence":3,"createdOn":"2023-11-07T05:31:56Z",` +
	`"defaultToPrivateTemplates":true,"description":"Document processing organization for Acme Corp.","enterpriseOrganization":true,` +
	`"features":{%s},"hasImage":true,"id":"6ba7b810-9dad-11d1-80b4-00c04fd430c8","memory":{"orderedDashboards":[%s]},` +
	`"name":"Acme Corp","organizationStatus":"ACTIVE","properties":{%s},"publicAccess":false,"searchText":"acme corp documents",` +
	`"slug":"acme-corp","stripeCustomerId":"cus_9s6XKzkNRiz8i3","supportAccess":true,` +
	`"supportAccessExpiresAt":"2026-11-07T05:31:56Z","updatedOn":"2024-01-15T10:30:00Z","uuid":"6ba7b8109dad11d180b400c04fd430c8"},` +
	`"organizationId":"6ba7b810-9dad-11d1-80b4-00c04fd430c8","state":"CLOSED","token":"3Q2-7wvD0kq9mXz1","updatedOn":"2024-01-15T10:30:00Z",` +
	`"uuid":"550e8400e29b41d4a716446655440000"}`

// usualSession returns a session of about 1 kB, as JSON.
func usualSession() []byte {
	return fmt.Appendf(nil, sessionFormat,
		`"workflows":true,"maxDocuments":250`, `"overview","documents"`, `"region":"eu-west-1","limits":{"pages":1000,"ratio":0.75}`)
}

// shapedSession returns a session of about size bytes, as JSON.
func shapedSession(s shape, size int) []byte {
	var fill bytes.Buffer
	room := max(0, size-len(sessionFormat))
	switch s {
	case nestedMap:
		writeTree(&fill, room/len(leaf))
		return fmt.Appendf(nil, sessionFormat, "", "", &fill)
	case flatMap:
		for i := 0; fill.Len() < room; i++ {
			separate(&fill, i)
			fmt.Fprintf(&fill, `"feature-%07d":%s`, i, scalars[i%len(scalars)])
		}
		return fmt.Appendf(nil, sessionFormat, &fill, "", "")
	default:
		for i := 0; fill.Len() < room; i++ {
			separate(&fill, i)
			fmt.Fprintf(&fill, `"dashboard %07d of the organization"`, i)
		}
		return fmt.Appendf(nil, sessionFormat, "", &fill, "")
	}
}

var scalars = [...]string{`true`, `"value of the feature"`, `12345`, `null`, `-0.25`, `"ä value that is not ASCII"`}

const (
	leaf   = `"k0":{"name":"leaf","count":12,"ratio":0.25,"enabled":true,"note":null},`
	fanOut = 8
)

// writeTree writes the members of an object with so many leaves below it.
func writeTree(w *bytes.Buffer, leaves int) {
	for i := range min(leaves, fanOut) {
		separate(w, i)
		if leaves <= fanOut {
			w.WriteString(`"k` + strconv.Itoa(i) + leaf[len(`"k0`):len(leaf)-1])
			continue
		}
		w.WriteString(`"k` + strconv.Itoa(i) + `":{`)
		writeTree(w, (leaves+i)/fanOut)
		w.WriteByte('}')
	}
}

func separate(w *bytes.Buffer, i int) {
	if i > 0 {
		w.WriteByte(',')
	}
}
