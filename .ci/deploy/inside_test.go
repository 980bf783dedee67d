package deploy

import (
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
)

const nonroot = 65532 // of distroless

// inside starts /windrow as the image does: nothing else in its root, and no
// rights. Who may not do that runs it where it is.
func inside(t *testing.T, image string, env []string, args ...string) *exec.Cmd {
	t.Helper()
	program := filepath.Join(image, "windrow")
	cmd := exec.CommandContext(t.Context(), program, args...)
	cmd.Env = append([]string{"ZONEINFO="}, env...)
	if os.Geteuid() != 0 {
		t.Log("without root's rights: the program runs as oneself and sees the whole file system")
		return cmd
	}
	cmd.Path, cmd.Dir = "/windrow", "/"
	cmd.SysProcAttr = &syscall.SysProcAttr{Chroot: image, Credential: &syscall.Credential{Uid: nonroot, Gid: nonroot}}
	return cmd
}
