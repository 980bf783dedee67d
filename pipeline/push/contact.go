package push

import "context"

// Contact is a row of an input that was checked and may be sent.
type Contact struct {
	Row  int      // the data row that it comes from, counted from 1
	IDs  []string // the normalised addresses, at least one, each once, in the order of the row; never kept, never shown
	JSON []byte   // the contact as the vendor wants it, a JSON object with the addresses, without the property data
	Data []byte   // the property data, a JSON object; nil where the contact has none
}

// Refusal is a row of an input that is not sent. None of its texts holds a value of the row.
type Refusal struct {
	Row         int
	Column      string   // the input's name of the column that is wrong; empty where it is the row as a whole
	Problem     string   // what is wrong: "is no phone number"
	Remedy      string   // what to do, a sentence
	DuplicateOf int      // the row of the input that has an address of this one; 0: the row is no duplicate
	Cells       []string // the row as it was, a cell for each of the input's columns that were known by then
}

// Input is the rows that somebody wants to push. It is read once, from one goroutine.
type Input interface {
	// Read hands over every row in its order, as a contact or as a refusal. Of two rows that share an address the later
	// one is refused as a duplicate of the earlier; a row that is refused has no duplicates. What a callback gets is its
	// own until it returns. An error of a callback ends the reading and comes back as it is. Other errors are
	// *[pipeline.Error]: of kind Invalid where the input as a whole cannot be pushed (a column is mapped to a property
	// that the hub's type does not have, the file does not exist or is no CSV). It obeys ctx and keeps no row.
	Read(ctx context.Context, accept func(Contact) error, refuse func(Refusal) error) error
	// Columns are the input's columns in their order, once Read has returned.
	Columns() []string
	// Ignored are the columns that map to nothing, once Read has returned.
	Ignored() []string
	// Close lets go of the input. It is idempotent.
	Close() error
}
