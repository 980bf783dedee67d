// Package process tells whether another process of this machine still lives, as Linux's /proc shows it. It is no lock: it
// says how long somebody is waited for, and nothing else may depend on it. Start at [Name].
package process

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strings"
	"sync"

	"github.com/windrow-data/windrow/pipeline/push"
)

const proc = "/proc/"

// Name names this process to others that see the same processes: those of the machine, or of the container. It is empty
// where the system does not tell enough.
var Name = sync.OnceValue(func() string {
	of, began, err := look("self")
	if err != nil || began == "" {
		return ""
	}
	return among() + "-" + of + "-" + began
})

// Life tells whether the process of a name lives. Of one that this process could not see it is doubtful.
func Life(name string) push.Life {
	parts := strings.Split(name, "-")
	if len(parts) != 3 || parts[0] == "" || parts[0] != among() || parts[1] == "" || strings.Trim(parts[1], "0123456789") != "" {
		return push.Doubtful
	}
	_, began, err := look(parts[1])
	switch {
	case err != nil && !errors.Is(err, fs.ErrNotExist):
		return push.Doubtful
	case err == nil && began == parts[2]:
		return push.Alive
	}
	return push.Dead
}

// among names the processes that this one can see; empty where that cannot be told.
var among = sync.OnceValue(func() string {
	boot, err := os.ReadFile(proc + "sys/kernel/random/boot_id")
	if err != nil {
		return ""
	}
	space, err := os.Readlink(proc + "self/ns/pid")
	if err != nil {
		return ""
	}
	sum := sha256.Sum256(append(boot, space...))
	return fmt.Sprintf("%x", sum[:8])
})

// look reads a process's id and when it began; of one that has ended and is still listed that is empty.
func look(id string) (of, began string, err error) {
	text, err := os.ReadFile(proc + id + "/stat")
	if err != nil {
		return "", "", err
	}
	const state, start = 0, 19                // behind the command, which may hold anything
	end := bytes.LastIndexByte(text, ')') + 1 // of the command
	fields := strings.Fields(string(text[end:]))
	of, _, _ = strings.Cut(string(text), " ")
	if end == 0 || len(fields) <= start {
		return "", "", errors.New("the process cannot be told")
	}
	if slices.Contains([]string{"Z", "X", "x"}, fields[state]) {
		return of, "", nil
	}
	return of, fields[start], nil
}
