package pipeline

import "time"

// Unit is what a calendar counts in.
type Unit uint8

const (
	// AnyInstant is the unit of the zero Calendar: every instant is a bound.
	AnyInstant Unit = iota
	Minutes
	Hours
	Days
	Weeks // from Monday
	Months
)

// Calendar cuts time into pieces of Every units on the local clock of Zone.
// The zero Calendar cuts nowhere. Calendars compare with ==.
type Calendar struct {
	Unit  Unit
	Every int
	Zone  *time.Location
}
