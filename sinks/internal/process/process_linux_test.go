package process

import (
	"os/exec"
	"strconv"
	"syscall"
	"testing"

	"github.com/windrow-data/windrow/pipeline/push"
)

func TestAProcessLivesUntilItEnds(t *testing.T) {
	if life := Life(Name()); life != push.Alive {
		t.Fatalf("%q: %d", Name(), life)
	}
	other := exec.CommandContext(t.Context(), "cat")
	in, err := other.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := other.Start(); err != nil {
		t.Fatal(err)
	}
	id := strconv.Itoa(other.Process.Pid)
	of, began, err := look(id)
	if err != nil || of != id {
		t.Fatal(of, err)
	}
	name := among() + "-" + of + "-" + began
	if life := Life(name); life != push.Alive {
		t.Errorf("a process that runs: %d", life)
	}
	if life := Life(name + "1"); life != push.Dead {
		t.Errorf("another process of the same id: %d", life)
	}
	if err := in.Close(); err != nil {
		t.Fatal(err)
	}
	const byID, exited, leave = 1, 4, 0x1000000 // P_PID, WEXITED, WNOWAIT
	if _, _, no := syscall.Syscall6(syscall.SYS_WAITID, byID, uintptr(other.Process.Pid), 0, exited|leave, 0, 0); no != 0 {
		t.Fatal(no)
	}
	if life := Life(name); life != push.Dead {
		t.Errorf("a process that has ended, of which nobody has taken note: %d", life)
	}
	if err := other.Wait(); err != nil {
		t.Fatal(err)
	}
	if life := Life(name); life != push.Dead {
		t.Errorf("a process that has ended: %d", life)
	}
	for _, name := range []string{"", "-", "x-1-1", "run-123", among() + "-../1-1", among() + "--1-1"} {
		if life := Life(name); life != push.Doubtful {
			t.Errorf("%q: %d", name, life)
		}
	}
}
