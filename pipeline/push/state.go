package push

import "fmt"

// State is where a batch of contacts stands. Each contact stands where its batch does.
type State string

const (
	// Planned: no byte of the contacts has left.
	Planned State = "planned"
	// Sending: the request may have left. Of a run that is dead, nobody knows; see [State.Seen].
	Sending State = "sending"
	// Sent: the vendor has accepted the contacts.
	Sent State = "sent"
	// Refused: the vendor has said no. The same push may send the contacts again.
	Refused State = "refused"
	// Unknown: the vendor may have accepted the contacts. Only an operator's word ends it.
	Unknown State = "unknown"
	// Suppressed: the contacts are on a list of addresses that nothing is sent to.
	Suppressed State = "suppressed"
)

// Known reports whether this version knows the state.
func (s State) Known() bool {
	switch s {
	case Planned, Sending, Sent, Refused, Unknown, Suppressed:
		return true
	}
	return false
}

// Seen is the state as anybody sees it who is not sending: a request under way has an unknown outcome.
func (s State) Seen() State {
	if s == Sending {
		return Unknown
	}
	return s
}

// MaySend reports whether a push may send contacts in that state.
func (s State) MaySend() bool { return s == Planned || s == Refused }

// Event is what befalls a batch.
type Event uint8

const (
	// Begun: the note that the request is about to leave is durable.
	Begun Event = iota
	// Accepted: a complete 2xx answer, whatever its body.
	Accepted
	// Unauthorized: 401 or 403. The push stops.
	Unauthorized
	// Declined: another 4xx than 401, 403, 408, 425, 429.
	Declined
	// NotWritten: no byte of the request was written: the connection was refused, the name was not found, TLS failed, or
	// the request was cancelled before.
	NotWritten
	// Throttled: 429. The vendor has not taken the contacts and says when to come again.
	Throttled
	// Uncertain: 408, 425, 5xx, a redirect, a time-out or a cut after the first byte was written, no valid status line.
	Uncertain
	// OperatorSent and OperatorNotSent are an operator's word on a batch of unknown outcome.
	OperatorSent
	OperatorNotSent
)

var eventNames = [...]string{
	"begun", "accepted", "unauthorized", "declined", "not written", "throttled", "uncertain", "operator: sent", "operator: not sent",
}

func (e Event) String() string { return eventNames[e] }

// transitions is the whole machine. What is not in it cannot happen.
var transitions = map[State]map[Event]State{
	Planned: {Begun: Sending},
	Refused: {Begun: Sending},
	Sent:    {Begun: Sending}, // another content, by an operator's word
	Sending: {
		Accepted:     Sent,
		Unauthorized: Planned,
		Declined:     Refused,
		NotWritten:   Planned,
		Throttled:    Planned,
		Uncertain:    Unknown,
		// Of a run that died while it was sending.
		OperatorSent:    Sent,
		OperatorNotSent: Planned,
	},
	Unknown: {OperatorSent: Sent, OperatorNotSent: Planned},
}

// After is the state that an event leads to. An event that the state does not know is an error: nothing may be sent
// on a guess.
func (s State) After(e Event) (State, error) {
	next, ok := transitions[s][e]
	if !ok {
		return s, fmt.Errorf("push: a batch that is %s cannot become %s", s, e)
	}
	return next, nil
}

// OfStatus is the event that a complete answer with an HTTP status means.
func OfStatus(code int) Event {
	switch {
	case code >= 200 && code < 300:
		return Accepted
	case code == 401, code == 403:
		return Unauthorized
	case code == 429:
		return Throttled
	case code == 408, code == 425:
		return Uncertain
	case code >= 400 && code < 500:
		return Declined
	default:
		return Uncertain
	}
}
