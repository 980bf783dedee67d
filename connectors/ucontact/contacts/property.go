package contacts

import (
	"slices"
	"strings"

	"github.com/windrow-data/windrow/pipeline/push"
)

// HubType is the channel of an outbound hub. No call of the vendor reveals it.
type HubType string

const (
	Telephony      HubType = "telephony"
	Preview        HubType = "preview"
	VoiceBroadcast HubType = "voicebroadcast"
	Email          HubType = "email"
	SMS            HubType = "sms"
	WhatsApp       HubType = "whatsapp"
)

// HubTypes lists them all.
var HubTypes = []HubType{Telephony, Preview, VoiceBroadcast, Email, SMS, WhatsApp}

// property is a property of a contact.
type property struct {
	name string
	of   []HubType // the types of hubs that have it; nil: all
	// delivery is the only way of delivery that has it; empty: both have it.
	delivery push.Delivery
	many     bool // several columns may fill it
	required bool
	// read appends the property's value as JSON, nothing where the row has none. The cells are those of its columns.
	read func(r *reading, cells []column) ([]byte, *fault)
}

// properties is all that the Automation API knows of contacts, in the order in which it is sent. data is not among them: it
// goes with the contact as an object of its own.
//
// A time zone stands before what is read in it.
var properties = []property{
	{name: "clientIds", of: []HubType{Telephony, Preview, VoiceBroadcast}, many: true, required: true, read: readNumbers},
	{name: "clientId", of: []HubType{Email, SMS, WhatsApp}, required: true, read: readAddress},
	{name: "contactId", read: readText},
	{name: "agent", of: []HubType{Preview}, read: readText},
	{name: "timezone", read: readZone},
	{name: "priority", read: readPriority},
	{name: "scheduleDate", delivery: push.Leads, read: readSchedule},
	{name: "subject", of: []HubType{Email}, read: readText},
	{name: "content", of: []HubType{Email, SMS, WhatsApp}, read: readContent},
	{name: "template", of: []HubType{Email, SMS, WhatsApp}, read: readText},
	{name: "attachments", of: []HubType{Email}, many: true, read: readList},
}

const (
	dataName   = "data"
	dataPrefix = "data."
	// reserved is the member of data that says of a lead which push it belongs to.
	reserved = "windrow_push"
)

// has reports whether contacts of a hub have the property.
func (p *property) has(t HubType, d push.Delivery) bool {
	return (p.of == nil || slices.Contains(p.of, t)) && (p.delivery == "" || p.delivery == d)
}

// propertyNamed is the position of a property of that name, written in any case or in snake case; -1 where there is none.
func propertyNamed(name string) int {
	name = plain(name)
	return slices.IndexFunc(properties, func(p property) bool { return plain(p.name) == name })
}

func plain(name string) string {
	return strings.ToLower(strings.ReplaceAll(strings.TrimSpace(name), "_", ""))
}

// namesOf lists the properties that contacts of a hub have.
func namesOf(t HubType, d push.Delivery) string {
	names := []string{}
	for _, p := range properties {
		if p.has(t, d) {
			names = append(names, p.name)
		}
	}
	return strings.Join(append(names, dataName, dataPrefix+"…"), ", ")
}
