package config

import (
	"path"
	"strings"
	"unicode"
)

// Place reports whether addresses of a scheme are of places in which files or objects lie: what the variables of an archive, a
// send ledger and a report may name. Whether an address is whole, who opens it says.
func Place(scheme string) bool { return scheme == "file" || scheme == "gs" || scheme == "s3" }

// mistyped says what a sink's address holds that only a shell or an accident puts there, and what to write instead. A
// directory of such a name would be made without a word, and the tables would lie where nobody looks.
func mistyped(address string) (problem, instead string) {
	plain := strings.TrimSpace(strings.Trim(strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return -1
		}
		return r
	}, address), quotes))
	if rest, ok := strings.CutPrefix(plain, "~"); ok {
		_, rest, _ = strings.Cut(rest, "/")
		plain = path.Join(home, rest)
	}
	if plain == "" {
		plain = "./warehouse"
	}
	switch {
	case strings.ContainsFunc(address, unicode.IsControl):
		return "holds a control character (a line end or a tab, say)", plain
	case strings.Trim(address, quotes) != address:
		return "stands in quotes, which are taken as part of the name", plain
	case strings.HasPrefix(address, "~"):
		return "begins with ~, which is not replaced here; write the home directory in full", plain
	}
	return "", ""
}

const (
	quotes = "'\"`\u2018\u2019\u201c\u201d"
	home   = "/home/you" // of examples
)
