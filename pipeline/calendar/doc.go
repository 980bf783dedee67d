// Package calendar is time as pure values: instants, spans, windows, zones, and the calendars that cut time.
//
// A value of this package compares with == and knows nothing of vendors, streams and sinks. No function reads a clock
// or does I/O, except for loading a zone's rules. Start at window.go (spans and windows), then calendar.go (what a
// calendar is) and calendarbounds.go (where a calendar cuts). localtime.go converts between instants and a wall clock,
// over changes of daylight saving time. spans.go is the algebra of lists of spans.
package calendar
