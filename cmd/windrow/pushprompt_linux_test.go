package main

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"unsafe"

	"github.com/windrow-data/windrow/connectors/vendorsim"
	"github.com/windrow-data/windrow/pipeline"
)

// terminal opens a pseudo-terminal: what a person has, and what a program has of it.
func terminal(t *testing.T) (person, program *os.File) {
	t.Helper()
	person, err := os.OpenFile("/dev/ptmx", os.O_RDWR|syscall.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = person.Close() })
	ask := func(request uintptr, value *int32) {
		t.Helper()
		if _, _, no := syscall.Syscall(syscall.SYS_IOCTL, person.Fd(), request, uintptr(unsafe.Pointer(value))); no != 0 {
			t.Fatal(no)
		}
	}
	var locked, number int32
	ask(syscall.TIOCSPTLCK, &locked)
	ask(syscall.TIOCGPTN, &number)
	program, err = os.OpenFile(fmt.Sprint("/dev/pts/", number), os.O_RDWR|syscall.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = program.Close() })
	return person, program
}

// atTerminal runs a command before a terminal, where a person types the answer once there is a question.
func (c *campaign) atTerminal(cmd *exec.Cmd, answer string) (exit int, out, shown string) {
	c.Helper()
	person, program := terminal(c.T)
	var stdout bytes.Buffer
	cmd.Stdin, cmd.Stdout, cmd.Stderr = program, &stdout, program
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
	if err := cmd.Start(); err != nil {
		c.Fatal(err)
	}
	_ = program.Close() // the command's end is the terminal's
	var said []byte
	asked := false
	for part := make([]byte, 1<<10); ; {
		n, err := person.Read(part)
		said = append(said, part[:n]...)
		if !asked && bytes.Contains(said, []byte("Type yes: ")) {
			asked = true
			if _, err := person.WriteString(answer); err != nil {
				c.Error(err)
			}
		}
		if err != nil {
			break
		}
	}
	exit = exitCodeOf(c.T, cmd.Wait())
	if !asked {
		c.Errorf("nobody was asked: exit code %d\n%s", exit, said)
	}
	return exit, stdout.String(), string(said)
}

func TestAPersonIsAskedBeforeManyContactsAreSent(t *testing.T) {
	const interrupt = "\x03"
	for _, x := range []struct {
		says, answer string
		unknown      bool // a batch of the same push
		exit         int
		left         standing
	}{
		{"yes", "yes\n", false, 0, standing{Sent: 102}},
		{"no", "no\n", false, pipeline.ExitInvalid, standing{}},
		{"nothing", "\n", false, pipeline.ExitInvalid, standing{}},
		{"the end", "\x04", false, pipeline.ExitInvalid, standing{}},
		{"Ctrl-C", interrupt, false, pipeline.ExitStopped, standing{}},
		{"yes beside an unknown batch", "y\n", true, pipeline.ExitUnknown, standing{Sent: 101, Unknown: 1}},
		{"Ctrl-C beside an unknown batch", interrupt, true, pipeline.ExitUnknown, standing{Unknown: 1}},
	} {
		t.Run(x.says, func(t *testing.T) {
			t.Parallel()
			c := newCampaign(t, "lists", 102)
			toSend := 102
			if x.unknown {
				toSend--
				c.write("one.csv", "clientIds,data.name\n"+c.addresses[50]+",Person 50\n")
				c.world.Inject(vendorsim.Fault{Host: "ucontact", Kind: vendorsim.FaultStatus, Code: 500, Times: 1})
				one := c.push("windrow")
				one.Args = append(one.Args, "--from", "one.csv")
				if exit := exitCodeOf(t, one.Run()); exit != pipeline.ExitUnknown {
					t.Fatalf("exit code %d", exit)
				}
			}
			cmd := c.push("windrow")
			cmd.Args = append(cmd.Args, "--batch", "200")
			exit, out, shown := c.atTerminal(cmd, x.answer)
			if exit != x.exit || !strings.Contains(out, fmt.Sprintf(`"exit": %d`, x.exit)) {
				t.Errorf("exit code %d, want %d\n%s\n%s", exit, x.exit, out, shown)
			}
			for _, part := range []string{`"Ventas"`, campaignName, fmt.Sprint(toSend, " to be sent"), "0 already sent", fmt.Sprint(102-toSend, " unknown"), "first of them: 52********00\r\n"} {
				if !strings.Contains(shown, part) {
					t.Errorf("the question lacks %s:\n%s", part, shown)
				}
			}
			if strings.Contains(shown, c.addresses[0]) {
				t.Errorf("an address is shown:\n%s", shown)
			}
			sent := 0
			for _, a := range c.world.Accepted() {
				sent += len(a.Contacts)
			}
			if sent != x.left.Sent {
				t.Errorf("the vendor has %d contacts", sent)
			}
			var all []standing
			if c.run(process(t, "windrow", c.dir, c.env, "push", "status", "--json"), &all); len(all) == 1 && all[0] != x.left || len(all) == 0 && x.left != (standing{}) {
				t.Errorf("it leaves %+v", all)
			}
		})
	}
}
