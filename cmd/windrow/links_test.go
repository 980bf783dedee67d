package main

import (
	"go/ast"
	"go/parser"
	"go/token"
	"go/types"
	"os/exec"
	"regexp"
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

// Arrow's compute kernels would take a seventh of what a build of the program takes, and come with one import of pqarrow.
func TestTheProgramLinksNoComputeKernels(t *testing.T) {
	if unwanted := regexp.MustCompile(`/arrow/(compute|flight)|/pqarrow$`); len(dependencies(t, "cmd/windrow", unwanted)) > 0 {
		t.Errorf("the program links %q", dependencies(t, "cmd/windrow", unwanted))
	}
	if len(dependencies(t, "cmd/windrow/internal/warehousetest", regexp.MustCompile(`/arrow/compute`))) == 0 {
		t.Error("the test does not find the kernels where they are linked")
	}
}

// dependencies lists the packages that a package depends on and that have such a path.
func dependencies(t *testing.T, pkg string, path *regexp.Regexp) (found []string) {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), "go", "list", "-deps", module+pkg).Output()
	if err != nil {
		t.Fatal(err)
	}
	for dep := range strings.Lines(string(out)) {
		if dep = strings.TrimSpace(dep); path.MatchString(dep) {
			found = append(found, dep)
		}
	}
	return found
}

// encodersIn lists the packages of Parquet and Thrift that a package depends on.
func encodersIn(t *testing.T, pkg string) (found []string) {
	t.Helper()
	for _, dep := range dependencies(t, pkg, regexp.MustCompile(`^github\.com/apache/thrift/|/parquet`)) {
		if !strings.HasPrefix(dep, module) {
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
