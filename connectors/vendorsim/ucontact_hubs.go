package vendorsim

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"time"
)

// HubType is the channel of an outbound hub. No call tells it.
type HubType string

const (
	HubTelephony      HubType = "telephony"
	HubPreview        HubType = "preview"
	HubVoiceBroadcast HubType = "voicebroadcast"
	HubEmail          HubType = "email"
	HubSMS            HubType = "sms"
	HubWhatsApp       HubType = "whatsapp"
)

// Hub is an outbound hub of uContact.
type Hub struct {
	Name string
	Type HubType
}

// Accepted is a request that a hub has accepted. What it was sent twice it has twice: no key keeps a contact from being
// called again.
type Accepted struct {
	ID       int // from 1, over all hubs
	Hub      string
	Kind     string // lists or freshLeads
	Filename string // of a list
	Contacts []json.RawMessage
	At       time.Time // by the Real clock
	Loaded   time.Time // when a list's contacts are stored; of leads At
}

// State is what the portal shows: a list is loading, then inactive; leads are scheduled.
func (a Accepted) State(now time.Time) string {
	switch {
	case a.Kind != kindLists:
		return "scheduled"
	case now.Before(a.Loaded):
		return "loading"
	}
	return "inactive"
}

// Addresses are the numbers and addresses of all contacts, as they were sent.
func (a Accepted) Addresses() (all []string) {
	for _, raw := range a.Contacts {
		var c struct {
			ClientIDs []string `json:"clientIds"`
			ClientID  string   `json:"clientId"`
		}
		_ = json.Unmarshal(raw, &c) // it was checked when it came
		all = append(all, c.ClientIDs...)
		if c.ClientID != "" {
			all = append(all, c.ClientID)
		}
	}
	return all
}

// Accepted is everything that the hubs have accepted, in order.
func (w *World) Accepted() []Accepted {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clone(w.accepted)
}

const (
	kindLists = "lists"
	kindLeads = "freshLeads"
	hubLimit  = 64 << 20 // bytes of a request
)

// hubRequest is a body of both endpoints.
type hubRequest struct {
	Filename *string           `json:"filename"`
	List     []json.RawMessage `json:"list"`
	Leads    []json.RawMessage `json:"leads"`
}

// ucontactHub serves POST /api/dialer/id/{hub}/lists and /freshLeads, as the vendor's Automation API page describes
// them. What the page does not say is what its words suggest: who sends a contact that the hub cannot have gets 400, and
// nothing of the request is accepted.
func (w *World) ucontactHub(rw http.ResponseWriter, r *http.Request) {
	o := w.settings()
	if r.Header.Get("Authorization") != "Bearer "+o.UContact.Token {
		ucontactError(rw, http.StatusUnauthorized, "invalid token")
		return
	}
	name, kind := r.PathValue("hub"), r.PathValue("kind")
	at := slices.IndexFunc(o.UContact.Hubs, func(h Hub) bool { return h.Name == name })
	if at < 0 || kind != kindLists && kind != kindLeads {
		ucontactError(rw, http.StatusNotFound, "no such hub")
		return
	}
	raw, err := io.ReadAll(io.LimitReader(r.Body, hubLimit))
	if err != nil || r.ContentLength >= 0 && int64(len(raw)) != r.ContentLength {
		ucontactError(rw, http.StatusBadRequest, "the body broke off")
		return
	}
	accepted, err := readHubRequest(raw, o.UContact.Hubs[at], kind)
	if err != nil {
		ucontactError(rw, http.StatusBadRequest, err.Error())
		return
	}
	accepted.At = o.Real()
	accepted.Loaded = accepted.At
	if kind == kindLists {
		accepted.Loaded = accepted.At.Add(o.UContact.Loading)
	}
	w.mu.Lock()
	accepted.ID = len(w.accepted) + 1
	w.accepted = append(w.accepted, accepted)
	w.mu.Unlock()
	rw.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(rw).Encode(map[string]any{"id": accepted.ID, "state": accepted.State(accepted.At), "contacts": len(accepted.Contacts)})
}

// readHubRequest reads a request for a hub. Its errors echo what was sent, as servers do.
func readHubRequest(raw []byte, h Hub, kind string) (Accepted, error) {
	var in hubRequest
	d := json.NewDecoder(bytes.NewReader(raw))
	d.DisallowUnknownFields()
	if err := d.Decode(&in); err != nil {
		return Accepted{}, fmt.Errorf("the body is not the JSON expected: %w", err)
	}
	if _, err := d.Token(); err != io.EOF {
		return Accepted{}, errors.New("something stands behind the JSON")
	}
	a := Accepted{Hub: h.Name, Kind: kind}
	switch {
	case kind == kindLists && (in.Filename == nil || *in.Filename == ""):
		return a, errors.New("filename is missing")
	case kind == kindLists && in.Leads != nil, kind == kindLeads && (in.List != nil || in.Filename != nil):
		return a, errors.New("the body is that of the other endpoint")
	case kind == kindLists:
		a.Filename, a.Contacts = *in.Filename, in.List
	default:
		a.Contacts = in.Leads
	}
	if len(a.Contacts) == 0 {
		return a, errors.New("there are no contacts")
	}
	for _, c := range a.Contacts {
		if err := h.Type.check(c, kind); err != nil {
			return a, fmt.Errorf("contact %s: %w", c, err)
		}
	}
	return a, nil
}

// hubContact has every property of the vendor's page.
type hubContact struct {
	Timezone     *string        `json:"timezone"`
	Data         map[string]any `json:"data"`
	Priority     *int           `json:"priority"`
	ContactID    *string        `json:"contactId"`
	ClientIDs    []string       `json:"clientIds"`
	ClientID     *string        `json:"clientId"`
	Agent        *string        `json:"agent"`
	Content      *string        `json:"content"`
	Template     *string        `json:"template"`
	Subject      *string        `json:"subject"`
	Attachments  []string       `json:"attachments"`
	ScheduleDate *string        `json:"scheduleDate"`
}

// check says what keeps a hub of the type from having the contact.
func (t HubType) check(raw json.RawMessage, kind string) error {
	var c hubContact
	d := json.NewDecoder(bytes.NewReader(raw))
	d.DisallowUnknownFields()
	if err := d.Decode(&c); err != nil {
		return err
	}
	text := t == HubEmail || t == HubSMS || t == HubWhatsApp
	blank := func(s string) bool { return strings.TrimSpace(s) == "" }
	switch {
	case !text && (len(c.ClientIDs) == 0 || slices.ContainsFunc(c.ClientIDs, blank)):
		return errors.New("clientIds is missing")
	case text && (c.ClientID == nil || blank(*c.ClientID)):
		return errors.New("clientId is missing")
	case text && c.ClientIDs != nil, !text && c.ClientID != nil:
		return errors.New("the address is of another type of hub")
	case c.Agent != nil && t != HubPreview, !text && (c.Content != nil || c.Template != nil), t != HubEmail && (c.Subject != nil || c.Attachments != nil):
		return errors.New("a property is of another type of hub")
	case c.ScheduleDate != nil && kind != kindLeads:
		return errors.New("scheduleDate is of leads")
	}
	if c.Timezone != nil {
		if _, err := time.LoadLocation(*c.Timezone); err != nil {
			return errors.New("timezone is unknown")
		}
	}
	if c.ScheduleDate != nil {
		if _, err := time.Parse(time.DateTime, *c.ScheduleDate); err != nil {
			return errors.New("scheduleDate is malformed")
		}
	}
	return nil
}
