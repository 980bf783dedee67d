package config

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"regexp"
	"strings"
	"unicode/utf8"

	"github.com/windrow-data/windrow/pipeline"
)

// EnvFiles are variables that files have set, with where each stands. The zero value is of no file.
type EnvFiles struct {
	places map[string]string
	values map[string]string
}

// mostEnvFile is the size above which a file is taken for something else.
const mostEnvFile = 1 << 20

// ReadEnvFiles reads files of lines NAME=value, of which a later one wins. It reports all that is wrong with them at once,
// and repeats no value: it may be a secret.
func ReadEnvFiles(names []string) (EnvFiles, error) {
	f := EnvFiles{make(map[string]string), make(map[string]string)}
	var wrong []error
	for _, name := range names {
		text, err := readEnvFile(name)
		if err != nil {
			wrong = append(wrong, err)
			continue
		}
		n := 0
		for line := range strings.Lines(text) {
			n++
			variable, value, err := envLine(strings.TrimRight(line, "\r\n"))
			if err != nil {
				wrong = append(wrong, fmt.Errorf("%s, line %d: %w", name, n, err))
			} else if variable != "" {
				f.values[variable], f.places[variable] = value, fmt.Sprintf("%s, line %d", name, n)
			}
		}
	}
	return f, errors.Join(wrong...)
}

func readEnvFile(name string) (string, error) {
	if name == "" {
		return "", errors.New("--env-file names no file")
	}
	file, err := os.Open(name)
	if err != nil {
		return "", err
	}
	defer file.Close() //nolint:errcheck // it was read
	text, err := io.ReadAll(io.LimitReader(file, mostEnvFile+1))
	switch {
	case err != nil:
		return "", err
	case len(text) > mostEnvFile:
		return "", fmt.Errorf("%s is longer than a file of variables can be", name)
	case bytes.HasPrefix(text, []byte("\xff\xfe")), bytes.HasPrefix(text, []byte("\xfe\xff")):
		return "", fmt.Errorf("%s is UTF-16; save it as UTF-8", name)
	}
	return strings.TrimPrefix(string(text), "\ufeff"), nil
}

var envName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_.]*$`)

// envLine is the variable of a line; its name is empty where the line sets none.
func envLine(line string) (name, value string, err error) {
	line = strings.TrimSpace(line)
	if line == "" || line[0] == '#' || line[0] == ';' {
		return "", "", nil
	}
	if rest, ok := strings.CutPrefix(line, "export"); ok && strings.TrimLeft(rest, " \t") != rest {
		line = strings.TrimSpace(rest)
	}
	name, value, ok := strings.Cut(line, "=")
	switch {
	case !ok:
		return "", "", errors.New("there is no =; a line is NAME=value")
	case strings.TrimSpace(name) != name:
		return "", "", errors.New("there is a blank before the =; a line is NAME=value")
	case !envName.MatchString(name):
		return "", "", errors.New("what stands before the = is no name of a variable; a line is NAME=value")
	case !utf8.ValidString(value) || strings.ContainsRune(value, 0):
		return "", "", fmt.Errorf("the value of %s is no UTF-8", name)
	}
	value, err = envValue(strings.TrimSpace(value))
	if err != nil {
		return "", "", fmt.Errorf("the value of %s %w", name, err)
	}
	return name, value, nil
}

var (
	errOpenQuote = errors.New("begins with a quote that does not end on the line")
	errAfter     = errors.New("goes on behind its closing quote")
	errComment   = errors.New("holds a # behind a blank, which may be a comment or not: put the value in quotes, or the comment on a line of its own")
)

// envValue takes the quotes off. Within double quotes a backslash stands before a quote, a backslash, a dollar or a
// backtick that is meant; nothing else is replaced.
func envValue(text string) (string, error) {
	if text == "" || text[0] != '"' && text[0] != '\'' {
		if strings.HasPrefix(text, "#") || strings.Contains(text, " #") || strings.Contains(text, "\t#") {
			return "", errComment
		}
		return text, nil
	}
	quote := text[0]
	var b strings.Builder
	for i := 1; i < len(text); i++ {
		switch c := text[i]; {
		case c == quote:
			if after := strings.TrimSpace(text[i+1:]); after != "" && (after[0] != '#' || after == text[i+1:]) {
				return "", errAfter
			}
			return b.String(), nil
		case c == '\\' && quote == '"' && i+1 < len(text) && strings.IndexByte("\"\\$`", text[i+1]) >= 0:
			i++
			b.WriteByte(text[i])
		default:
			b.WriteByte(c)
		}
	}
	return "", errOpenQuote
}

// Set puts the variables into the environment, whose own win, also those that are set to nothing.
func (f EnvFiles) Set() error {
	for name, value := range f.values {
		if _, is := os.LookupEnv(name); is {
			delete(f.places, name)
			continue
		}
		if err := os.Setenv(name, value); err != nil {
			return fmt.Errorf("%s: %w", f.places[name], err)
		}
	}
	return nil
}

// Locate says of each fault of a variable that a file has set where it stands.
func (f EnvFiles) Locate(faults []pipeline.ConfigError) []pipeline.ConfigError {
	for i, of := range faults {
		faults[i].Place = f.places[of.Variable]
	}
	return faults
}
