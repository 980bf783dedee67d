package deploy

import (
	"debug/elf"
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/moby/buildkit/frontend/dockerfile/parser"
	"github.com/moby/patternmatcher"
	"github.com/moby/patternmatcher/ignorefile"
	cloudbuild "google.golang.org/api/cloudbuild/v1"
)

const (
	root         = "../.."
	imageVersion = "v9.8.7"
)

// dockerfile is what the tests need of deploy/Dockerfile, in order.
type dockerfile struct {
	from    []string
	env     []string // of the build, NAME=value
	copied  []string // from the repository
	run     []string
	final   map[string]string // USER, ENTRYPOINT, CMD of the last stage
	labels  map[string]string
	version string
}

// readDockerfile gives ARG VERSION the version.
func readDockerfile(t *testing.T, version string) dockerfile {
	t.Helper()
	f, err := os.Open(filepath.Join(root, "deploy/Dockerfile"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	parsed, err := parser.Parse(f)
	if err != nil {
		t.Fatal(err)
	}
	for _, w := range parsed.Warnings {
		t.Errorf("Dockerfile: %s", w.Short)
	}
	d := dockerfile{final: map[string]string{}, labels: map[string]string{}, version: version}
	args := map[string]string{}
	for _, n := range parsed.AST.Children {
		d.take(n, args)
	}
	return d
}

func (d *dockerfile) take(n *parser.Node, args map[string]string) {
	expanded := func(s string) string {
		return os.Expand(s, func(name string) string {
			if name == "VERSION" {
				return d.version
			}
			return args[name]
		})
	}
	var words []string
	for w := n.Next; w != nil; w = w.Next {
		words = append(words, expanded(w.Value))
	}
	switch strings.ToUpper(n.Value) {
	case "ARG":
		if name, value, ok := strings.Cut(words[0], "="); ok {
			args[name] = value
		}
	case "FROM":
		d.from = append(d.from, expanded(strings.Join(append(slices.Clone(n.Flags), words...), " ")))
		clear(d.final)
	case "ENV":
		for i := 0; i+1 < len(words); i += 3 { // name, value, separator
			d.env = append(d.env, words[i]+"="+words[i+1])
		}
	case "LABEL":
		for i := 0; i+1 < len(words); i += 3 {
			d.labels[words[i]] = strings.Trim(words[i+1], `"`)
		}
	case "COPY":
		if len(n.Flags) == 0 {
			d.copied = append(d.copied, words[:len(words)-1]...)
		}
	case "RUN":
		d.run = append(d.run, words...)
	case "USER", "ENTRYPOINT", "CMD":
		d.final[strings.ToUpper(n.Value)] = strings.Join(words, " ")
	}
}

// buildContext copies what the Dockerfile copies and .dockerignore lets through.
func buildContext(t *testing.T, d dockerfile) string {
	t.Helper()
	f, err := os.Open(filepath.Join(root, ".dockerignore"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	patterns, err := ignorefile.ReadAll(f)
	if err != nil {
		t.Fatal(err)
	}
	ignored, err := patternmatcher.New(patterns)
	if err != nil {
		t.Fatal(err)
	}
	for _, secret := range []string{".git/config", "deploy/terraform/terraform.tfvars", "warehouse/events/x.parquet", ".env", "cmd/windrow/sync_test.go"} {
		if hidden, err := ignored.MatchesOrParentMatches(secret); err != nil || !hidden {
			t.Errorf(".dockerignore lets %s through (%v)", secret, err)
		}
	}
	src := t.TempDir()
	for _, from := range d.copied {
		err := filepath.WalkDir(filepath.Join(root, from), func(path string, e fs.DirEntry, err error) error {
			if err != nil || e.IsDir() {
				return err
			}
			name, err := filepath.Rel(root, path)
			if err != nil {
				return err
			}
			if hidden, err := ignored.MatchesOrParentMatches(name); hidden || err != nil {
				return err
			}
			text, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			to := filepath.Join(src, name)
			return errors.Join(os.MkdirAll(filepath.Dir(to), 0o755), os.WriteFile(to, text, 0o644))
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return src
}

// builtImage carries out the Dockerfile's build, once, and returns the folder
// that has the program alone.
func builtImage(t *testing.T, d dockerfile) string {
	t.Helper()
	out := filepath.Join(scratch, "image")
	if err := os.Mkdir(out, 0o755); err != nil {
		if errors.Is(err, fs.ErrExist) {
			return out
		}
		t.Fatal(err)
	}
	src := buildContext(t, d)
	for _, line := range d.run {
		cmd := exec.CommandContext(t.Context(), "sh", "-c", strings.ReplaceAll(line, "/out/", out+"/"))
		cmd.Dir, cmd.Env = src, append(os.Environ(), d.env...)
		if text, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("RUN %s: %v\n%s", line, err, text)
		}
	}
	return out
}

// A tag is moved by whoever owns it; a digest names the same image for ever.
func TestWhatImagesAreBuiltFromIsNamedByDigest(t *testing.T) {
	var build cloudbuild.Build
	decode(t, "cloudbuild.yaml", &build)
	named := map[string]string{} // digests
	release := regexp.MustCompile(`(?m)^FROM (.*)$`).FindStringSubmatch(read(t, filepath.Join(root, "deploy/release.Dockerfile")))
	for _, from := range append(readDockerfile(t, imageVersion).from, release[1], build.Steps[0].Name) {
		found := regexp.MustCompile(`^(?:--platform=\S+ )?(\S+)@(sha256:[0-9a-f]{64})(?: AS \w+)?$`).FindStringSubmatch(from)
		if found == nil {
			t.Errorf("%q has no digest", from)
			continue
		}
		if before, ok := named[found[1]]; ok && before != found[2] {
			t.Errorf("%s has two digests", found[1])
		}
		named[found[1]] = found[2]
	}
	if len(named) != 3 {
		t.Errorf("the images are %v", named)
	}
}

func TestTheImageIsSmallStaticAndHasNoRights(t *testing.T) {
	d := readDockerfile(t, imageVersion)
	if last, _, _ := strings.Cut(d.from[len(d.from)-1], "@"); last != "--platform=linux/amd64 gcr.io/distroless/static-debian12:nonroot" {
		t.Errorf("the last stage is %q", last)
	}
	for word, want := range map[string]string{"USER": "nonroot", "ENTRYPOINT": "/windrow", "CMD": "sync"} {
		if d.final[word] != want {
			t.Errorf("%s is %q, want %q", word, d.final[word], want)
		}
	}
	for _, label := range []string{"title", "description", "source", "licenses", "version"} {
		if d.labels["org.opencontainers.image."+label] == "" {
			t.Errorf("the label %s is missing", label)
		}
	}

	program := filepath.Join(builtImage(t, d), "windrow")
	binary, err := elf.Open(program)
	if err != nil {
		t.Fatal(err)
	}
	defer binary.Close()
	for _, s := range binary.Sections {
		if s.Type == elf.SHT_DYNAMIC {
			t.Errorf("the program has the dynamic section %s: it needs a loader that the image lacks", s.Name)
		}
	}
	if binary.Machine != elf.EM_X86_64 {
		t.Errorf("the program is for %s; Cloud Run runs x86-64", binary.Machine)
	}
	info, err := os.Stat(program)
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("the program has %.1f MiB", float64(info.Size())/(1<<20))
	if info.Size() > 80<<20 {
		t.Errorf("the program has %d MiB, more than 80", info.Size()>>20)
	}

	out, err := inside(t, filepath.Dir(program), nil, "version").CombinedOutput()
	if err != nil || !strings.HasPrefix(string(out), "windrow "+imageVersion+" ") {
		t.Errorf("version, as a stranger in an empty root: %v\n%s", err, out)
	}
}
