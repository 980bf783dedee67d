package deploy

import (
	"fmt"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"sigs.k8s.io/yaml"
)

func example(t *testing.T, name string) string {
	t.Helper()
	return read(t, filepath.Join(root, "deploy", "examples", name))
}

// examples are the schedules, each with the sink that it names.
var examples = []string{"systemd/windrow.service", "windrow.env", "windrow.cron", "compose.yaml", "kubernetes/cronjob.yaml", "airflow.py", "github-actions.yaml"}

// A scheduler starts a program in a folder of its own choice: a relative sink would be another warehouse there.
func TestEveryExampleNamesAnAbsoluteSink(t *testing.T) {
	sink := regexp.MustCompile(`WINDROW_SINK"?(?:\s*value)?\s*[:=]\s*(?:value:\s*)?"?([^\s"]+)`)
	for _, name := range examples {
		found := sink.FindStringSubmatch(example(t, name))
		if found == nil {
			t.Errorf("%s names no sink", name)
		} else if scheme, _, isURL := strings.Cut(found[1], "://"); !strings.HasPrefix(found[1], "/") && (!isURL || !slices.Contains([]string{"bigquery", "gs", "s3"}, scheme)) {
			t.Errorf("%s names the sink %s, which is not absolute", name, found[1])
		}
	}
}

// The keys of a document, with those above them; elements of a list have those of the list.
func keys(value any, above string, into map[string]bool) {
	switch v := value.(type) {
	case map[string]any:
		for k, below := range v {
			into[above+k] = true
			if k != "env" && k != "environment" && k != "with" { // names of others
				keys(below, above+k+".", into)
			}
		}
	case []any:
		for _, one := range v {
			keys(one, above, into)
		}
	}
}

const pod = "spec.jobTemplate.spec.template.spec."

// A misspelt field would be ignored, or refused on the first night.
func TestTheExamplesInYAMLHaveOnlyFieldsThatExist(t *testing.T) {
	for name, known := range map[string]string{
		"compose.yaml": `^(name|services(\.windrow(\.(image|command|env_file|environment|volumes|read_only|tmpfs|stop_grace_period|restart))?)?)$`,
		"kubernetes/cronjob.yaml": `^(apiVersion|kind|metadata(\.name)?|spec(\.(schedule|timeZone|concurrencyPolicy|startingDeadlineSeconds|jobTemplate(\.spec(\.(backoffLimit|activeDeadlineSeconds|template(\.spec)?))?)?))?|` +
			regexp.QuoteMeta(pod) + `(restartPolicy|terminationGracePeriodSeconds|securityContext(\.(runAsNonRoot|fsGroup))?|` +
			`containers(\.(name|image|args|env|envFrom(\.secretRef(\.name)?)?|resources(\.(requests|limits)(\.(cpu|memory))?)?|securityContext(\.(allowPrivilegeEscalation|readOnlyRootFilesystem))?|volumeMounts(\.(name|mountPath))?))?|` +
			`volumes(\.(name|persistentVolumeClaim(\.claimName)?|emptyDir))?))$`,
		"github-actions.yaml": `^(name|on(\.(schedule(\.cron)?|workflow_dispatch))?|permissions(\.(contents|id-token))?|concurrency(\.group)?|jobs(\.sync(\.(runs-on|timeout-minutes|steps(\.(uses|with|name|env|run))?))?)?)$`,
	} {
		asJSON, err := yaml.YAMLToJSONStrict([]byte(example(t, name)))
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		var doc any
		if err := yaml.Unmarshal(asJSON, &doc); err != nil {
			t.Fatal(err)
		}
		found := make(map[string]bool)
		keys(doc, "", found)
		for k := range found {
			if !regexp.MustCompile(known).MatchString(k) {
				t.Errorf("%s has the field %s", name, k)
			}
		}
		if len(found) < 8 {
			t.Errorf("%s has only %d fields", name, len(found))
		}
	}
}

// cronLine are five fields of a time: a star, or numbers with ranges and steps.
var cronLine = regexp.MustCompile(`^(\*|\d+(-\d+)?)(/\d+)?(,\d+(-\d+)?)*( (\*|\d+(-\d+)?)(/\d+)?(,\d+(-\d+)?)*){4}$`)

func TestTheExamplesNameTimesThatCronTakes(t *testing.T) {
	for name, at := range map[string]string{
		"windrow.cron": `(?m)^(\S+ \S+ \S+ \S+ \S+) windrow /`, "kubernetes/cronjob.yaml": `(?m)^  schedule: "(.*)"$`,
		"airflow.py": `(?m)schedule="(.*)",$`, "github-actions.yaml": `(?m)cron: "(.*)"$`,
	} {
		found := regexp.MustCompile(at).FindStringSubmatch(example(t, name))
		if found == nil || !cronLine.MatchString(found[1]) {
			t.Errorf("%s runs at %q", name, found)
		}
	}
	for n, line := range strings.Split(strings.TrimSpace(example(t, "windrow.cron")), "\n") {
		assigns := regexp.MustCompile(`^[A-Z_]+=\S+$`).MatchString(line)
		runs := regexp.MustCompile(`^(\S+ ){5}windrow /\S+/windrow sync `).MatchString(line) && !strings.Contains(line, "%")
		if !assigns && !runs && !strings.HasPrefix(line, "#") {
			t.Errorf("line %d of windrow.cron is none of cron: %s", n+1, line)
		}
	}
}

// unitKeys are those that the units use, of systemd.unit, systemd.service, systemd.exec, systemd.kill and systemd.timer.
var unitKeys = map[string][]string{
	"[Unit]": {"Description", "Documentation", "Wants", "After"},
	"[Service]": {"Type", "EnvironmentFile", "Environment", "ExecStart", "TimeoutStartSec", "TimeoutStopSec", "DynamicUser", "StateDirectory",
		"WorkingDirectory", "ProtectSystem", "ProtectHome", "NoNewPrivileges"},
	"[Timer]":   {"OnCalendar", "RandomizedDelaySec", "Persistent"},
	"[Install]": {"WantedBy"},
}

func TestTheUnitsAreOnesOfSystemd(t *testing.T) {
	for _, name := range []string{"systemd/windrow.service", "systemd/windrow.timer"} {
		section, set := "", map[string]string{}
		for line := range strings.Lines(example(t, name)) {
			line = strings.TrimSpace(line)
			key, value, is := strings.Cut(line, "=")
			switch {
			case line == "" || strings.HasPrefix(line, "#"):
			case unitKeys[line] != nil:
				section = line
			case !is || !slices.Contains(unitKeys[section], key):
				t.Errorf("%s has %q in %s", name, line, section)
			default:
				set[key] = value
			}
		}
		if strings.HasSuffix(name, "service") && (!strings.HasPrefix(set["ExecStart"], "/") || set["Type"] != "oneshot" || set["TimeoutStopSec"] != "10s") {
			t.Errorf("the service is %v", set)
		}
		if strings.HasSuffix(name, "timer") && (!regexp.MustCompile(`^\*-\*-\* \d\d:\d\d:\d\d$`).MatchString(set["OnCalendar"]) || set["Persistent"] != "true") {
			t.Errorf("the timer is %v", set)
		}
	}
}

// Where there is no Python, the parentheses of the DAG are looked at alone.
func TestTheDAGIsPython(t *testing.T) {
	file := filepath.Join(root, "deploy", "examples", "airflow.py")
	text := example(t, "airflow.py")
	if strings.Count(text, "(") != strings.Count(text, ")") || !strings.Contains(text, `dag_id="windrow"`) {
		t.Error("it is no DAG of windrow")
	}
	python, err := exec.LookPath("python3")
	if err != nil {
		return
	}
	out, err := exec.CommandContext(t.Context(), python, "-c", fmt.Sprintf("compile(open(%q).read(), 'airflow.py', 'exec')", file)).CombinedOutput()
	if err != nil {
		t.Errorf("it is no Python: %v\n%s", err, out)
	}
}

// What a release is made of: static binaries of all platforms, and what is packed with them.
func TestTheReleaseBuildsEveryPlatformStatically(t *testing.T) {
	var release struct {
		Version int
		Builds  []struct {
			Main, Binary        string
			Env, Flags, Ldflags []string
			Goos, Goarch        []string
			ID                  string `json:"id"`
			ModTimestamp        string `json:"mod_timestamp"`
		}
		Sboms    []struct{ Artifacts string }
		Checksum struct{ Algorithm string }
	}
	if err := yaml.Unmarshal([]byte(read(t, filepath.Join(root, ".goreleaser.yaml"))), &release); err != nil {
		t.Fatal(err)
	}
	if len(release.Builds) != 1 || release.Version != 2 {
		t.Fatalf("it is %+v", release)
	}
	b := release.Builds[0]
	if !slices.Equal(b.Goos, []string{"linux", "darwin", "windows"}) || !slices.Equal(b.Goarch, []string{"amd64", "arm64"}) || !slices.Contains(b.Env, "CGO_ENABLED=0") {
		t.Errorf("it builds %v for %v with %v", b.Goos, b.Goarch, b.Env)
	}
	for _, variable := range []string{"main.release=", "main.commit=", "main.date="} {
		if !strings.Contains(strings.Join(b.Ldflags, " "), variable) {
			t.Errorf("the version lacks %s", variable)
		}
	}
	if len(release.Sboms) != 1 || release.Checksum.Algorithm != "sha256" {
		t.Errorf("it has %d bills of materials and checksums of %q", len(release.Sboms), release.Checksum.Algorithm)
	}
}
