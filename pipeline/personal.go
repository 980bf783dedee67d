package pipeline

import (
	"hash"
	"io"
)

// Personal says what kind of personal data a value is. A column of the tables declares its kind, a vendor's mapping
// that of each source field.
type Personal uint8

const (
	Impersonal       Personal = iota // no personal data
	PersonalPhone                    // one or several phone numbers
	PersonalEmail                    // an e-mail address
	PersonalAddress                  // a phone number or an e-mail address: the value alone tells which
	PersonalName                     // a person's name
	PersonalText                     // what people wrote or said: a message, a note, a transcription
	PersonalLink                     // a URL that leads to a recording or an image
	PersonalUnlisted                 // a value of which no mapping says what it is
	PersonalRow                      // the whole text of a row that could not be loaded
)

// Policy says what becomes of personal data before it leaves a [Format]. The zero value keeps everything as it is and
// costs nothing.
//
// A policy is handed to a format when the format is made. From then on every value of the kinds that the mapping and
// the tables declare passes Replace once before it reaches a column, extras or a reject. Text inside an array or
// object passes string by string. Numbers, true and false pass only where the mapping itself names their field as
// personal: among the values of which no mapping knows what they are only strings pass. Fingerprints are those of the
// replaced values.
type Policy struct {
	// Replace appends to dst what stands for the personal value text and returns the extended slice. false leaves the
	// value out: its column is null, a member of extras is left out, and inside an array or object null stands for
	// it. A value that is kept is appended as it is.
	//
	// required says that the value's column must not be null: then the answer has to be true. text is valid UTF-8,
	// never blank, and good during the call only. Replace is a pure function of kind and text, so that equal people
	// stay equal in every vendor, column and run. It is called concurrently, for each value: it does not block.
	//
	// A row of kind [PersonalRow] is never given to Replace: a policy that replaces anything leaves such a text out, and
	// so it does with what a vendor says in its own words.
	Replace func(dst, text []byte, kind Personal, required bool) ([]byte, bool)
	// Again is Replace for the values of a body that is redacted already (see [Meta]): it hashes nothing twice, and leaves out
	// what Replace would. nil: they stay.
	Again func(dst, text []byte, kind Personal, required bool) ([]byte, bool)
	// Takes reports whether Again makes of a body that the policy of that digest has redacted what this one wants: what is hashed
	// can be left out. nil: of no other policy's.
	Takes func(digest string) bool
	// Whole begins a keyed digest of what cannot be replaced value by value; nil: the policy has no key.
	Whole func() hash.Hash
	// Digest tells the policy apart from others, in settings digests and on redacted bodies. It holds no secret.
	Digest string
}

// Redactor is a [Format] that can copy a document without its personal data.
type Redactor interface {
	// Redact copies the document that m describes to w, as the policy of the format wants it: with the same records, names and
	// order, and with every personal value replaced, those of rows that cannot be loaded too. Read again, with its Meta
	// marked, the copy gives the rows, extras, rejects and fingerprints that the document gives. A document that cannot be
	// split into its values is an error of kind Malformed, and then nobody may keep what was written. An error of r is passed on.
	// The memory is that of a few ranges.
	Redact(m *Meta, r io.Reader, w io.Writer) error
	// Asked is what stands for the names that a request lists, where they are people's.
	Asked(names []string) []string
}

// Settings is the digest of the settings that shape a window's rows, of those without the policy: they shape them too.
func (p Policy) Settings(digest string) string {
	if p.Keeps() {
		return digest
	}
	return digest + "/" + p.Digest
}

// Fits reports whether the policy can be applied to a body that was redacted under the policy of that digest; empty: to one that
// was not.
func (p Policy) Fits(redacted string) bool {
	return redacted == "" || redacted == p.Digest || p.Takes != nil && p.Takes(redacted)
}

// Keeps reports whether the policy keeps everything as it is.
func (p Policy) Keeps() bool { return p.Replace == nil }

// unsaid stands for words of a vendor's own, which may name people.
const unsaid = "words that are left out, as personal data are"

// Say returns what may be told of a vendor's own words, which may be none.
func (p Policy) Say(words string) string {
	if words != "" && !p.Keeps() {
		return unsaid
	}
	return words
}

// NameOf is what stands for a person's name outside of the rows, as in a warning.
func (p Policy) NameOf(person string) string {
	if p.Keeps() || person == "" {
		return person
	}
	told, _ := p.Replace(nil, []byte(person), PersonalName, true)
	return string(told)
}

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

// Blanker is a [Mask] that takes secrets out of a whole body as it goes by.
type Blanker interface {
	// Blank reads r, in which every byte of a secret has become an asterisk: the length stays, and so does all else. It
	// passes on the error of r. What is read costs about what a search for one text costs, and the memory is bounded.
	Blank(r io.Reader) io.Reader
	// BlankLinks does the same with the signatures of signed URLs. Those of a document that is loaded are a part of its rows.
	BlankLinks(r io.Reader) io.Reader
}
