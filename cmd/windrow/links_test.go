package main

import (
	"go/ast"
	"go/parser"
	"go/token"
	"go/types"
	"os/exec"
	"strings"
	"testing"

	"github.com/apache/arrow/go/v17/arrow/memory"
)

// What a connector needs to turn an answer into rows is linked without the encoders of files, which sinks alone use.
func TestConnectorsLinkNoParquetAndNoThrift(t *testing.T) {
	for _, pkg := range []string{"pipeline", "transforms", "connectors/ucontact", "connectors/chattonic", "connectors/dialpad"} {
		for _, found := range encodersIn(t, pkg) {
			t.Errorf("%s links %s: files are the sinks' business", pkg, found)
		}
	}
	if len(encodersIn(t, "sinks/parquet")) < 2 {
		t.Error("the test does not find Parquet and Thrift where they are linked")
	}
}

// encodersIn lists the packages of Parquet and Thrift that a package depends on.
func encodersIn(t *testing.T, pkg string) (found []string) {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), "go", "list", "-deps", module+pkg).Output()
	if err != nil {
		t.Fatal(err)
	}
	for dep := range strings.Lines(string(out)) {
		dep = strings.TrimSpace(dep)
		if strings.HasPrefix(dep, "github.com/apache/thrift/") || strings.Contains(dep, "/parquet") && !strings.HasPrefix(dep, module) {
			found = append(found, dep)
		}
	}
	return found
}

// Nothing but main replaces Arrow's allocator: whoever links the program's packages keeps Arrow's own.
func TestLinkingThePackagesLeavesArrowsAllocatorAlone(t *testing.T) {
	if _, own := memory.DefaultAllocator.(*memory.GoAllocator); !own {
		t.Errorf("Arrow's default allocator is %T although main has not run", memory.DefaultAllocator)
	}
}

// The allocator is a global variable without a lock: main replaces it before anything can run beside it.
func TestMainReplacesArrowsAllocatorFirst(t *testing.T) {
	file, err := parser.ParseFile(token.NewFileSet(), "main.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range file.Decls {
		if f, ok := d.(*ast.FuncDecl); ok && f.Name.Name == "main" {
			if call, ok := f.Body.List[0].(*ast.ExprStmt); !ok || types.ExprString(call.X) != "bufferpool.ReplaceDefault()" {
				t.Error("main does something else first")
			}
			return
		}
	}
	t.Error("there is no main")
}
