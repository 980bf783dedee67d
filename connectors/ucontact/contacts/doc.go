// Package contacts makes contacts of the Automation API out of rows: it knows the properties that each type of hub has,
// finds the columns that fill them, and checks every value before anything is sent. A row is either a contact or refused,
// with the column, what is wrong and the remedy, and never with a value.
//
// It reads no file and sends nothing. Start with [New]; property.go is the table of properties.
package contacts
