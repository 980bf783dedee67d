package pipeline

// ConfigError is one thing that is wrong with the configuration. All of a run
// are reported together.
type ConfigError struct {
	Variable string // WINDROW_DIALPAD_TIMEZONE
	Problem  string // "is required when WINDROW_DIALPAD_TOKEN is set"
	Example  string // "America/Mexico_City"
}

func (f ConfigError) String() string {
	s := f.Variable + " " + f.Problem
	if f.Example != "" {
		s += "; for example " + f.Variable + "=" + f.Example
	}
	return s
}
