package show

import "io"

// Coloured is a terminal that shows colours. What is printed on any other writer has none.
type Coloured struct{ io.Writer }

// colour is a parameter of the escape sequence that begins one; 0 is none.
type colour string

const (
	plain  colour = ""
	red    colour = "31"
	green  colour = "32"
	yellow colour = "33"
)

// of writes a text in the colour, for a terminal that shows it.
func (c colour) of(text string) string {
	if c == plain {
		return text
	}
	return "\x1b[" + string(c) + "m" + text + "\x1b[0m"
}

// ofState is the colour of a word that tells how something stands.
func ofState(word string) colour {
	switch word {
	case "ok", "whole":
		return green
	case "due", "late":
		return yellow
	case "failed":
		return red
	}
	return plain
}

// ofTrouble is the colour of a number that should be none.
func ofTrouble(count string) colour {
	if count == "0" || count == "-" || count == "" {
		return plain
	}
	return red
}
