package config

// Terminal holds what a person has told all programs about escape sequences, as typed. The names have no prefix:
// https://no-color.org
type Terminal struct {
	NoColor string `envconfig:"NO_COLOR" desc:"anything: no colours, and no other escape sequence"`
	Kind    string `envconfig:"TERM" desc:"dumb: a terminal that knows none"`
}

// Escapes reports whether a terminal may be sent escape sequences: colours, and bars that are drawn over themselves.
func Escapes() bool {
	var t Terminal
	return Fill("", &t) == nil && t.NoColor == "" && t.Kind != "dumb"
}
