package endtoend

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
	"unsafe"

	"github.com/windrow-data/windrow/connectors/vendorsim"
	"github.com/windrow-data/windrow/pipeline"
)

const (
	containerMemory = 512 << 20
	containerTemp   = 128 << 20 // of it, the most that the temporary folder holds
	containerUser   = 65532     // distroless's nonroot
	containerExit   = 97        // of a container that could not be made
)

// From the kernel's headers: package syscall has no names for them.
const (
	sysMountSetattr      = 442 // on every architecture
	atFDCWD              = ^uintptr(99)
	atRecursive          = 0x8000
	mountAttrReadOnly    = 1
	prCapAmbient         = 47
	prCapAmbientClearAll = 4
	capSysAdmin          = 21
)

// contained is a process that makes its file system read-only but for the
// temporary folder, gives up every capability, and becomes the program.
func contained(program string) int {
	runtime.LockOSThread() // capabilities are a thread's own
	if err := enclose(os.TempDir()); err != nil {
		fmt.Fprintln(os.Stderr, "container:", err)
		return containerExit
	}
	var env []string
	for _, pair := range os.Environ() {
		if !strings.HasPrefix(pair, "ENDTOEND_") {
			env = append(env, pair)
		}
	}
	err := syscall.Exec(program, append([]string{program}, os.Args[1:]...), env)
	fmt.Fprintln(os.Stderr, "container:", err)
	return containerExit
}

func enclose(temp string) error {
	if err := syscall.Mount("", "/", "", syscall.MS_REC|syscall.MS_PRIVATE, ""); err != nil {
		return fmt.Errorf("make the mounts private: %w", err)
	}
	root, _ := syscall.BytePtrFromString("/")
	attributes := [4]uint64{mountAttrReadOnly} // set, clear, propagation, user namespace
	if _, _, errno := syscall.Syscall6(sysMountSetattr, atFDCWD, uintptr(unsafe.Pointer(root)), atRecursive,
		uintptr(unsafe.Pointer(&attributes)), unsafe.Sizeof(attributes), 0); errno != 0 {
		return fmt.Errorf("make / read-only: %w", errno)
	}
	if err := syscall.Mount("tmpfs", temp, "tmpfs", syscall.MS_NOSUID|syscall.MS_NODEV, fmt.Sprintf("size=%d,mode=1777", containerTemp)); err != nil {
		return fmt.Errorf("mount %s: %w", temp, err)
	}
	for _, dir := range []string{".", filepath.Dir(temp), "/", "/var", "/dev/shm"} {
		if f, err := os.CreateTemp(dir, "x"); err == nil {
			return fmt.Errorf("%s can be written to", f.Name())
		} else if !errors.Is(err, syscall.EROFS) && !errors.Is(err, syscall.ENOENT) {
			return fmt.Errorf("%s is not read-only: %w", dir, err)
		}
	}
	if os.Getuid() != containerUser {
		return fmt.Errorf("the user is %d", os.Getuid())
	}
	if _, _, errno := syscall.Syscall6(syscall.SYS_PRCTL, prCapAmbient, prCapAmbientClearAll, 0, 0, 0, 0); errno != 0 {
		return fmt.Errorf("give up the capabilities: %w", errno)
	}
	return nil
}

// container runs a program as Cloud Run would, as far as the machine lets it.
type container struct {
	*testing.T
	program string
	env     []string
	bare    bool // the machine permits no namespaces
}

// newContainer builds the program as the image does, and tries out what the machine permits. The flags are the image's:
// with others Go would compile everything once more.
func newContainer(t *testing.T, env []string) *container {
	t.Helper()
	c := &container{T: t, program: filepath.Join(t.TempDir(), "windrow"), env: env}
	build := exec.CommandContext(t.Context(), "go", "build", "-trimpath", "-o", c.program, "github.com/windrow-data/windrow/cmd/windrow")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}
	if out, err := c.command(0, "version").CombinedOutput(); err != nil {
		c.bare = true
		t.Logf("NOT PROVEN on this machine, which permits no user and mount namespaces: the read-only file system and the other user. %v %s", err, out)
	}
	return c
}

// command is a run of the program in a fresh container.
func (c *container) command(attempt int, args ...string) *exec.Cmd {
	c.Helper()
	temp := c.TempDir()
	cmd := exec.CommandContext(c.Context(), os.Args[0], args...)
	if c.bare {
		cmd = exec.CommandContext(c.Context(), c.program, args...)
	} else {
		cmd.SysProcAttr = &syscall.SysProcAttr{
			Cloneflags:  syscall.CLONE_NEWUSER | syscall.CLONE_NEWNS,
			UidMappings: []syscall.SysProcIDMap{{ContainerID: containerUser, HostID: os.Getuid(), Size: 1}},
			GidMappings: []syscall.SysProcIDMap{{ContainerID: containerUser, HostID: os.Getgid(), Size: 1}},
			AmbientCaps: []uintptr{capSysAdmin},
		}
	}
	cmd.Dir = filepath.Dir(c.program)
	cmd.Env = append(c.env, "TMPDIR="+temp, childProgram+"="+c.program,
		"CLOUD_RUN_JOB=windrow", "CLOUD_RUN_EXECUTION=windrow-x7k2p", "CLOUD_RUN_TASK_INDEX=0", "CLOUD_RUN_TASK_COUNT=1",
		"CLOUD_RUN_TASK_ATTEMPT="+strconv.Itoa(attempt))
	return cmd
}

// logLine is a line of Cloud Logging.
type logLine struct {
	Severity string `json:"severity"`
	Message  string `json:"message"`
	Exit     int    `json:"exit"`
	// Windows is a number in some lines, and in the last one an object.
	Windows json.RawMessage   `json:"windows"`
	Receipt *pipeline.Receipt `json:"receipt"`
}

func (l logLine) windows() (n struct{ Committed, Failed int }) {
	_ = json.Unmarshal(l.Windows, &n) // nothing was committed where it is no object
	return n
}

// run runs a sync until its end, and sends SIGTERM at the first line that stop is true of.
func (c *container) run(attempt int, stop func(logLine) bool, args ...string) (last logLine, exit int, stopping time.Duration) {
	c.Helper()
	cmd := c.command(attempt, args...)
	release := c.limit(cmd)
	defer release()
	stderr, err := cmd.StderrPipe()
	if err != nil {
		c.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		c.Fatal(err)
	}
	var told time.Time
	peak := int64(0)
	lines := bufio.NewScanner(stderr)
	lines.Buffer(nil, 16<<20)
	for lines.Scan() {
		peak = max(peak, residentPeak(cmd.Process.Pid))
		last = logLine{}
		if err := json.Unmarshal(lines.Bytes(), &last); err != nil {
			c.Errorf("attempt %d: no line of Cloud Logging: %s", attempt, lines.Text())
		}
		if last.Severity == "ERROR" || last.Severity == "WARNING" {
			c.Logf("attempt %d: %.400s", attempt, lines.Text())
		}
		if stop != nil && told.IsZero() && stop(last) {
			c.unprivileged(cmd.Process.Pid)
			told = time.Now()
			if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
				c.Fatal(err)
			}
		}
	}
	if err := lines.Err(); err != nil {
		c.Error(err)
	}
	var failed *exec.ExitError
	if err := cmd.Wait(); err != nil && !errors.As(err, &failed) {
		c.Fatal(err)
	}
	if !told.IsZero() {
		stopping = time.Since(told)
	}
	if peak == 0 || peak+containerTemp > containerMemory {
		c.Errorf("attempt %d: %d MiB resident beside a temporary folder of %d MiB; the container has %d MiB", attempt, peak>>20, containerTemp>>20, containerMemory>>20)
	}
	c.Logf("attempt %d: exit %d, %d MiB resident at most, %v after SIGTERM, %s", attempt, cmd.ProcessState.ExitCode(), peak>>20, stopping, last.Windows)
	return last, cmd.ProcessState.ExitCode(), stopping
}

// residentPeak is the most memory in bytes that the process has held, 0 when it
// is gone. What wait(2) tells is that of the process which started it, too.
func residentPeak(pid int) int64 {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0
	}
	kib, err := peakIn(string(text))
	if err != nil {
		return 0
	}
	n, _ := strconv.ParseInt(kib, 10, 64)
	return n << 10
}

// unprivileged fails when the process has kept a capability.
func (c *container) unprivileged(pid int) {
	c.Helper()
	if c.bare {
		return
	}
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		c.Fatal(err)
	}
	if !strings.Contains(string(text), "CapEff:\t0000000000000000\n") {
		c.Errorf("the program has capabilities:\n%s", text)
	}
}

// limit puts the process into a control group of 512 MiB, where the machine
// has version 2 and lets us.
func (c *container) limit(cmd *exec.Cmd) (release func()) {
	c.Helper()
	own, err := os.ReadFile("/proc/self/cgroup")
	path, unified := strings.CutPrefix(strings.TrimSpace(string(own)), "0::")
	dir := ""
	if err == nil && unified && !strings.Contains(path, "\n") {
		// Beside our own group: a group that has processes has no limits for its children.
		dir, err = os.MkdirTemp(filepath.Dir(filepath.Join("/sys/fs/cgroup", path)), "windrow-")
	}
	if dir == "" || err != nil {
		c.Log("NOT PROVEN on this machine, which lets us make no control group of version 2: the kernel's memory limit. What the process holds is compared with it instead.")
		return func() {}
	}
	if err := os.WriteFile(filepath.Join(dir, "memory.max"), []byte(strconv.Itoa(containerMemory)), 0o600); err != nil {
		_ = os.Remove(dir)
		c.Logf("NOT PROVEN on this machine: the kernel's memory limit: %v", err)
		return func() {}
	}
	f, err := os.Open(dir)
	if err != nil {
		c.Fatal(err)
	}
	if cmd.SysProcAttr == nil {
		cmd.SysProcAttr = &syscall.SysProcAttr{}
	}
	cmd.SysProcAttr.UseCgroupFD, cmd.SysProcAttr.CgroupFD = true, int(f.Fd())
	return func() {
		f.Close()
		_ = os.Remove(dir) // empty now
	}
}

func TestInAContainerThatIsStoppedTheSecondAttemptReachesTheSameTables(t *testing.T) {
	s := newBigQuerySite(t, func(o *vendorsim.Options) {
		o.CallsPerDay, o.TextsPerDay = 8, 4
		o.UContact.MaxLoad, o.Dialpad.Limits.Posts = -1, -1
	})
	s.withoutNPS()
	// More windows than a group takes, so that some are committed before the end.
	s.from, s.env["WINDROW_CHATTONIC_WINDOW"] = noon.AddDate(0, 0, -11).Format(time.DateOnly), "1h"
	reference := *s
	reference.root = folder(t)
	reference.mustSync()

	env := []string{
		"HOME=/nonexistent", "WINDROW_SINK=" + s.root, "BIGQUERY_EMULATOR_HOST=" + serverOf(t, s.root).URL(), "WINDROW_FROM=" + s.from,
	}
	for name, value := range s.env {
		env = append(env, name+"="+value)
	}
	c := newContainer(t, env)
	args := []string{"sync", "--as-of", s.world.Now().Format(time.RFC3339)}

	s.world.Inject(vendorsim.Fault{Host: "ucontact", Kind: vendorsim.FaultHang, Times: -1})
	last, exit, stopping := c.run(0, func(l logLine) bool { return l.Message == "committed" }, args...)
	if exit != pipeline.ExitStopped || last.Message != "sync finished" || last.Exit != exit || stopping > 8*time.Second {
		t.Fatalf("the first attempt: exit %d %v after SIGTERM, its last line %+v", exit, stopping, last)
	}
	begun := len(contents(t, s.root))
	if begun == 0 || last.windows().Committed == 0 {
		t.Fatalf("%d windows and %d rows were committed", last.windows().Committed, begun)
	}

	s.world.ClearFaults()
	last, exit, _ = c.run(1, nil, args...)
	if exit != 0 || last.Message != "sync finished" || last.Exit != 0 || last.windows().Failed != 0 || last.Receipt == nil || last.Receipt.LoadJobs == 0 {
		t.Fatalf("the second attempt: exit %d, its last line %+v", exit, last)
	}
	sameRows(t, contents(t, s.root), contents(t, reference.root))
	if begun >= len(contents(t, s.root)) {
		t.Errorf("the first attempt had committed all of the %d rows", begun)
	}
}
