package pipeline

// Mask takes an account's secrets out of what its vendor sent, before the text stands in a message, a ledger note or
// beside the rows. Its methods are safe for concurrent use, take time linear in the text, and change no other text.
type Mask interface {
	// Message masks the text of an error: the account's tokens and passwords, also where the text was cut inside of one,
	// and whatever looks like a secret.
	Message(text string) string
	// Raw masks a text that must stay as it is otherwise, as a rejected row: the account's tokens and passwords, and the
	// signatures of signed URLs.
	Raw(text string) string
}
