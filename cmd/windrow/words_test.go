package main

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/windrow-data/windrow/cmd/windrow/internal/config"
)

// What a person types is the command line's. The contract and the engine are
// handed the names that their messages need; a vendor and a sink may name the
// variables that they declare or that choose them.
func TestOnlyTheCommandLineSaysWhatToType(t *testing.T) {
	command, name := regexp.MustCompile(`\bwindrow (sync|plan|status|check|streams|schema|demo)\b`), regexp.MustCompile(`WINDROW_|(^|\s)--[a-z]`)
	for _, c := range []struct {
		room    string
		forbids *regexp.Regexp
	}{
		{"pipeline", command}, {"pipeline", name}, {"connectors", command}, {"sinks", command}, {"transforms", command},
	} {
		read := 0
		for at, text := range literalsUnder(t, c.room) {
			read++
			if c.forbids.MatchString(text) {
				t.Errorf("%s says %s", at, text)
			}
		}
		if read < 100 {
			t.Errorf("%s has %d texts only", c.room, read)
		}
	}
	for _, text := range []string{"run windrow sync again", "raise WINDROW_MAX_REJECTS", "give --from"} {
		if !command.MatchString(text) && !name.MatchString(text) {
			t.Errorf("%q is not found", text)
		}
	}
}

// Hints name variables, of the sink that a sink is chosen by, say. Each of them exists.
func TestEveryVariableThatAMessageNamesExists(t *testing.T) {
	known := declaredVariables(vendors)
	found := 0
	for _, room := range []string{"cmd", "connectors", "sinks", "transforms", "pipeline"} {
		for at, text := range literalsUnder(t, room) {
			for _, name := range regexp.MustCompile(`WINDROW_[A-Z_]+`).FindAllString(text, -1) {
				found++
				if !slices.ContainsFunc(known, func(v config.Variable) bool {
					return v.Name == name || strings.HasSuffix(name, "_") && strings.HasPrefix(v.Name, name)
				}) {
					t.Errorf("%s names %s, which does not exist", at, name)
				}
			}
		}
	}
	if found < 20 {
		t.Errorf("%d names only", found)
	}
}

// literalsUnder are the texts in the source of a room, by where they stand.
// Tests and what is only for them may say what a user types.
func literalsUnder(t *testing.T, room string) map[string]string {
	t.Helper()
	texts := make(map[string]string)
	files := token.NewFileSet()
	err := filepath.WalkDir(filepath.Join(root, room), func(path string, e fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case e.IsDir() && (e.Name() == "vendorsim" || strings.HasSuffix(e.Name(), "test")):
			return filepath.SkipDir
		case e.IsDir() || filepath.Ext(path) != ".go" || strings.HasSuffix(path, "_test.go"):
			return nil
		}
		file, err := parser.ParseFile(files, path, nil, 0)
		if err != nil {
			return err
		}
		ast.Inspect(file, func(n ast.Node) bool {
			if text, ok := n.(*ast.BasicLit); ok && text.Kind == token.STRING {
				texts[files.Position(text.Pos()).String()] = strings.Trim(text.Value, "`\"")
			}
			return true
		})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return texts
}
