package dialpad

import (
	"bytes"

	"github.com/windrow-data/windrow/pipeline"
	"github.com/windrow-data/windrow/transforms"
)

// Fields of the texts export.
const (
	textID = iota
	textDate
	textZone
	textDirection
	textTargetType
	textTargetID
	textName
	textEmail
	textSender
	textTo
	textFrom
	textPlain
	textAES
)

// textsMapping reads texts with export_type=records. Their direction says who
// sent them: internal is outbound, external is inbound. The message stands in
// encrypted_text or, where that is blank, in encrypted_aes_text. to_phone may
// list several numbers.
func textsMapping(*Settings) transforms.Mapping {
	return transforms.Mapping{
		Table: pipeline.Events,
		Fields: []transforms.Field{
			textID:         {Source: "message_id", Column: "event_id", Conv: transforms.Digits},
			textDate:       {Source: "date", Conv: transforms.Custom},
			textZone:       {Source: "timezone", Conv: transforms.Zone},
			textDirection:  {Source: "direction", Column: "direction", Conv: transforms.Lower},
			textTargetType: {Source: "target_type", Conv: transforms.Custom},
			textTargetID:   {Source: "target_id", Column: "resource_id", Conv: transforms.Digits},
			textName:       {Source: "name", Column: "resource_name"},
			textEmail:      {Source: "email", Column: "resource_email"},
			textSender:     {Source: "sender_id", Conv: transforms.Digits},
			textTo:         {Source: "to_phone", Fills: true},
			textFrom:       {Source: "from_phone", Fills: true},
			textPlain:      {Source: "encrypted_text", Column: "text"},
			textAES:        {Source: "encrypted_aes_text"},
		},
		Keys: []string{"message_id", "date"},
		Last: "timezone",
		Unit: companyField,
		Row:  textRow,
		Personal: map[string]pipeline.Personal{
			"name": pipeline.PersonalName, "email": pipeline.PersonalEmail,
			"to_phone": pipeline.PersonalPhone, "from_phone": pipeline.PersonalPhone,
			"encrypted_text": pipeline.PersonalText, "encrypted_aes_text": pipeline.PersonalText, "mms": pipeline.PersonalLink,
		},
	}
}

func textRow(r *transforms.Row) {
	if !started(r, textZone, textDate) {
		return
	}
	r.SetString(eventKind, "text")
	r.SetString(eventChannel, "sms")
	kind := setResourceType(r, textTargetType)
	setGroupName(r, kind, textName)
	if text := r.Raw(textAES); text != nil && r.Raw(textPlain) == nil {
		r.SetFrom(eventText, textAES, text)
		r.Skip(textAES)
	}
	switch way := bytes.ToLower(r.Raw(textDirection)); string(way) {
	case "internal", "outbound":
		r.SetString(eventWay, "outbound")
		setAddresses(r, textTo, textFrom)
		setSender(r, kind)
	case "external", "inbound":
		r.SetString(eventWay, "inbound")
		setAddresses(r, textFrom, textTo)
	}
}

// setAddresses sets both addresses of a text. Without a known direction they
// stay in extras under the vendor's names.
func setAddresses(r *transforms.Row, customer, own int) {
	if text := r.Raw(customer); text != nil {
		r.SetFrom(eventCustomer, customer, text)
		r.Skip(customer)
	}
	if text := r.Raw(own); text != nil {
		r.SetFrom(eventInternal, own, text)
		r.Skip(own)
	}
}

// setSender names who sent an outbound text: the user that the row is about,
// unless sender_id says that it was another, whose name the row does not have.
func setSender(r *transforms.Row, kind string) {
	sender, target := r.Raw(textSender), r.Raw(textTargetID)
	switch {
	case kind == "user" && (sender == nil || bytes.Equal(sender, target)):
		setAgent(r, textTargetID, textName, textEmail)
	case sender != nil:
		r.SetFrom(eventAgent, textSender, sender)
	}
	r.Skip(textSender)
}

// Fields of the voicemails export.
const (
	voicemailID = iota
	voicemailDate
	voicemailZone
	voicemailTargetType
	voicemailTargetID
	voicemailName
	voicemailEmail
	voicemailExternal
	voicemailOwn
	voicemailText
	voicemailURL
)

// voicemailsMapping reads voicemails with export_type=records. Who listened
// and when stays in extras; both are filled later.
func voicemailsMapping(*Settings) transforms.Mapping {
	return transforms.Mapping{
		Table: pipeline.Events,
		Fields: []transforms.Field{
			voicemailID:         {Source: "call_id", Column: "event_id", Conv: transforms.Digits},
			voicemailDate:       {Source: "date", Conv: transforms.Custom},
			voicemailZone:       {Source: "timezone", Conv: transforms.Zone},
			voicemailTargetType: {Source: "target_type", Conv: transforms.Custom},
			voicemailTargetID:   {Source: "target_id", Column: "resource_id", Conv: transforms.Digits},
			voicemailName:       {Source: "name", Column: "resource_name"},
			voicemailEmail:      {Source: "email", Column: "resource_email"},
			voicemailExternal:   {Source: "external_number", Column: "customer_address"},
			voicemailOwn:        {Source: "internal_number", Column: "internal_address"},
			voicemailText:       {Source: "transcription_text", Column: "text"},
			voicemailURL:        {Source: "recording_url", Column: "recording_url"},
		},
		Keys: []string{"call_id", "date"},
		Last: "timezone",
		Unit: companyField,
		Personal: map[string]pipeline.Personal{
			"name": pipeline.PersonalName, "email": pipeline.PersonalEmail,
			"external_number": pipeline.PersonalPhone, "internal_number": pipeline.PersonalPhone,
			"transcription_text": pipeline.PersonalText, "recording_url": pipeline.PersonalLink,
			"listened_by_name": pipeline.PersonalName, "listened_by_email": pipeline.PersonalEmail,
		},
		Harmless: []string{"date_listened", "listened_by_target_id"},
		Row: func(r *transforms.Row) {
			if !started(r, voicemailZone, voicemailDate) {
				return
			}
			r.SetString(eventKind, "voicemail")
			r.SetString(eventChannel, "voice")
			setGroupName(r, setResourceType(r, voicemailTargetType), voicemailName)
		},
	}
}
