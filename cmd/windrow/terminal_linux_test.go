package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"unsafe"
)

// newTerminal opens a terminal of 100 columns: what is written on the second can be read from the first.
func newTerminal(t *testing.T) (screen, terminal *os.File) {
	t.Helper()
	screen, err := os.OpenFile("/dev/ptmx", os.O_RDWR|syscall.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	control := func(f *os.File, request uintptr, of unsafe.Pointer) {
		t.Helper()
		if _, _, errno := syscall.Syscall(syscall.SYS_IOCTL, f.Fd(), request, uintptr(of)); errno != 0 {
			t.Fatal(errno)
		}
	}
	var locked, number int32
	control(screen, syscall.TIOCSPTLCK, unsafe.Pointer(&locked))
	control(screen, syscall.TIOCGPTN, unsafe.Pointer(&number))
	terminal, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", number), os.O_RDWR|syscall.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	size := [4]uint16{50, 100} // lines, columns, and pixels, which nobody asks for
	control(terminal, syscall.TIOCSWINSZ, unsafe.Pointer(&size))
	return screen, terminal
}

// shown is what a command leaves on a terminal.
func shown(t *testing.T, dir string, env []string, args ...string) string {
	t.Helper()
	screen, terminal := newTerminal(t)
	defer screen.Close()
	cmd := process(t, "windrow", dir, env, args...)
	cmd.Stdout, cmd.Stderr = terminal, terminal
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	terminal.Close()
	text, err := io.ReadAll(screen)
	if err != nil && !errors.Is(err, syscall.EIO) { // as a terminal says that nobody writes on it any more
		t.Fatal(err)
	}
	if err := cmd.Wait(); err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	return string(text)
}

func TestATerminalHasBarsAndColoursUnlessSomebodyWantsNoEscapes(t *testing.T) {
	servers := quickServers(t)
	env := quickVariables(servers)
	for _, c := range []struct {
		name    string
		says    []string
		escapes bool
	}{
		{"a terminal", []string{"TERM=xterm-256color"}, true},
		{"NO_COLOR", []string{"TERM=xterm-256color", "NO_COLOR=1"}, false},
		{"a terminal that knows none", []string{"TERM=dumb"}, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir, env := t.TempDir(), append(append([]string{}, env...), c.says...)
			for _, of := range []struct {
				args []string
				has  string // where escapes are shown
			}{
				{[]string{"sync", "--as-of", noon, "--streams", "dialpad.texts"}, `dialpad\.texts +3/3 windows \[=+\] [0-9a-z]+s, 61 rows`},
				{[]string{"status", "--as-of", noon}, "\x1b\\[3[123]m(whole|late|due)\x1b\\[0m"},
			} {
				text := shown(t, dir, env, of.args...)
				if !strings.Contains(text, "dialpad.texts") || strings.Contains(text, "\x1b") != c.escapes || regexp.MustCompile(of.has).MatchString(text) != c.escapes {
					t.Errorf("%s shows\n%q", of.args[0], text)
				}
				if strings.Contains(text, `{"time"`) {
					t.Errorf("%s: people get no JSON:\n%s", of.args[0], text)
				}
			}
		})
	}
}
