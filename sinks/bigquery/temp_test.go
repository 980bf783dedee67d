package bigquery

import (
	"bufio"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"sync"
	"testing"
)

// childTemp names the folder that a re-executed test binary stages in.
const childTemp = "WINDROW_TEST_BIGQUERY_CHILD_TEMP"

func TestMain(m *testing.M) {
	parent := os.Getenv(childTemp)
	if parent == "" {
		os.Exit(m.Run())
	}
	d, err := makeTemp(parent)
	if err == nil {
		err = os.WriteFile(filepath.Join(d.path, "stage-1"), []byte("rows"), 0o600)
	}
	if err != nil {
		os.Exit(1)
	}
	_, _ = os.Stdout.WriteString(d.path + "\n")
	select {} // until it is killed
}

func folders(t *testing.T, parent string) (list []string) {
	t.Helper()
	entries, err := os.ReadDir(parent)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		list = append(list, filepath.Join(parent, e.Name()))
	}
	return list
}

func TestTheFolderOfAKilledProcessIsRemovedByTheNext(t *testing.T) {
	parent := t.TempDir()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	child := exec.CommandContext(t.Context(), exe)
	child.Env = append(os.Environ(), childTemp+"="+parent)
	out, err := child.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	theirs := line[:len(line)-1]
	first, err := makeTemp(parent)
	if err != nil {
		t.Fatal(err)
	}
	if list := folders(t, parent); !slices.Contains(list, theirs) || len(list) != 2 {
		t.Errorf("beside a living process there are %q", list)
	}
	if err := child.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = child.Wait() // it was killed
	for _, name := range []string{"somebody-elses", tempPrefix + "never-marked"} {
		if err := os.Mkdir(filepath.Join(parent, name), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	second, err := makeTemp(parent)
	if err != nil {
		t.Fatal(err)
	}
	want := []string{filepath.Join(parent, "somebody-elses"), first.path, second.path}
	if list := folders(t, parent); !slices.Equal(slices.Sorted(slices.Values(list)), slices.Sorted(slices.Values(want))) {
		t.Errorf("after its death there are %q, want %q", list, want)
	}
	for _, d := range []*tempDir{first, second} {
		if err := d.remove(); err != nil {
			t.Error(err)
		}
	}
	if list := folders(t, parent); len(list) != 1 {
		t.Errorf("after all there are %q", list)
	}
}

func TestFoldersMadeAtOnceAreAllTheirOwners(t *testing.T) {
	parent := t.TempDir()
	var wg sync.WaitGroup
	made := make([]*tempDir, 24)
	for i := range made {
		wg.Go(func() {
			d, err := makeTemp(parent)
			if err != nil {
				t.Error(err)
				return
			}
			made[i] = d
		})
	}
	wg.Wait()
	for _, d := range made {
		if d == nil {
			continue
		}
		if _, err := os.Stat(filepath.Join(d.path, aliveName)); err != nil {
			t.Error(err)
		}
	}
}
