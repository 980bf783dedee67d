package dialpad

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"reflect"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/windrow-data/windrow/pipeline"
)

// A stream is its mapping and its line in the table: with both it is listed, planned, asked for and read.
func TestAStreamIsItsMappingAndItsLineInTheTable(t *testing.T) {
	known := exports
	t.Cleanup(func() { exports = known })
	invented := export{"faxes", "texts", records, pipeline.Events, textsMapping, traits{}}
	exports = append(slices.Clone(known), invented)
	readsTheVendor(t, invented)
}

// Nothing else in the connector, in the program, in the sinks or in what moves windows knows a stream by its name.
func TestNothingButItsMappingAndItsLineKnowsAStream(t *testing.T) {
	names, mappings, homes := map[string]bool{}, map[string]bool{}, map[string]bool{}
	for _, e := range exports {
		names[e.name], names[e.statType], names[string(e.id())] = true, true, true
		of := runtime.FuncForPC(reflect.ValueOf(e.mapping).Pointer())
		file, _ := of.FileLine(of.Entry())
		homes[filepath.Base(file)] = true
		_, name, _ := strings.Cut(filepath.Base(of.Name()), ".")
		name, _, _ = strings.Cut(name, ".") // of a function that one returns
		mappings[name] = true
	}
	folders := []string{"."}
	for _, room := range []string{"../../pipeline", "../../cmd/windrow", "../../sinks", "../../transforms", "../internal"} {
		err := filepath.WalkDir(room, func(path string, e fs.DirEntry, err error) error {
			if err != nil || !e.IsDir() {
				return err
			}
			if e.Name() == "testdata" || e.Name() == "sinktest" { // the suite's own rows
				return filepath.SkipDir
			}
			if files, err := filepath.Glob(filepath.Join(path, "*.go")); err != nil || len(files) > 0 {
				folders = append(folders, path)
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	for _, folder := range folders {
		files, err := filepath.Glob(filepath.Join(folder, "*.go"))
		if err != nil || len(files) == 0 {
			t.Fatal(folder, err)
		}
		for _, path := range files {
			if strings.HasSuffix(path, "_test.go") || folder == "." && homes[path] {
				continue
			}
			tree, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
			if err != nil {
				t.Fatal(err)
			}
			ast.Inspect(tree, func(n ast.Node) bool {
				switch n := n.(type) {
				case *ast.ValueSpec:
					return folder != "." || n.Names[0].Name != "exports"
				case *ast.BasicLit:
					text, _ := strconv.Unquote(n.Value)
					if names[text] && (folder == "." || strings.HasPrefix(text, "dialpad.")) {
						t.Errorf("%s knows the stream %s", path, n.Value)
					}
				case *ast.Ident:
					if folder == "." && mappings[n.Name] {
						t.Errorf("%s knows the mapping %s", path, n.Name)
					}
				}
				return true
			})
		}
	}
}
