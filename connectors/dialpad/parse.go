package dialpad

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/windrow-data/windrow/connectors/internal/setting"
)

// The targets that stand for people in training.
const (
	coachingGroup = "coachinggroup"
	coachingTeam  = "coachingteam"
)

// targetTypes are the API's values of target_type (POST /stats), without
// "unknown", which its documents list too and which is no target.
var targetTypes = []string{"callcenter", coachingGroup, coachingTeam, "department", "office", "room", "staffgroup", "user"}

// scopeKind says by which fields a report is narrowed.
type scopeKind uint8

const (
	companyScope scopeKind = iota // by none
	officeScope                   // by office_id: every target under the office
	targetScope                   // by target_type and target_id
)

// scope is what a report is asked for.
type scope struct {
	kind   scopeKind
	target string // target_type, of a targetScope
	id     int64
}

// String is the scope as rows carry it: callcenter:123, office:789, company.
func (s scope) String() string {
	switch s.kind {
	case officeScope:
		return "office:" + strconv.FormatInt(s.id, 10)
	case targetScope:
		return s.target + ":" + strconv.FormatInt(s.id, 10)
	}
	return "company"
}

// parseTargets reads "callcenter:123,department:456".
func parseTargets(v string) ([]scope, error) {
	var all []scope
	for item := range strings.SplitSeq(v, ",") {
		item = strings.TrimSpace(item)
		if item == "" {
			return nil, errors.New("has an empty entry")
		}
		kind, digits, ok := strings.Cut(item, ":")
		if !ok {
			return nil, fmt.Errorf("has %q, which is not type:id", item)
		}
		kind = strings.TrimSpace(kind)
		if !slices.Contains(targetTypes, kind) {
			return nil, fmt.Errorf("has the unknown type %q; the API knows %s", kind, strings.Join(targetTypes, ", "))
		}
		id, err := parseID(strings.TrimSpace(digits))
		if err != nil {
			return nil, fmt.Errorf("has %q, whose id %w", item, err)
		}
		s := scope{kind: targetScope, target: kind, id: id}
		if slices.Contains(all, s) {
			return nil, fmt.Errorf("names %s twice", s)
		}
		all = append(all, s)
	}
	return all, nil
}

// parseID reads one of the vendor's ids: a positive int64, digits alone.
func parseID(v string) (int64, error) {
	for _, b := range []byte(v) {
		if b < '0' || b > '9' {
			return 0, errors.New("is not digits alone")
		}
	}
	id, err := strconv.ParseInt(v, 10, 64)
	if err != nil || id == 0 {
		return 0, errors.New("is not a positive number of at most 19 digits")
	}
	return id, nil
}

// quota is how many reports may be asked for in any span of a given length.
type quota struct {
	posts int
	per   time.Duration
}

func (q quota) String() string { return fmt.Sprintf("%d/%s", q.posts, short(q.per)) }

// parseQuota reads "200/1h".
func parseQuota(v string) (quota, error) {
	count, span, ok := strings.Cut(v, "/")
	n, err := strconv.Atoi(strings.TrimSpace(count))
	if !ok || err != nil || n < 1 {
		return quota{}, errors.New("is not a number of reports, a slash and a span of time")
	}
	per, err := setting.ParseDuration(span)
	if err != nil || per <= 0 {
		return quota{}, errors.New("has no span of time, such as 1h, behind the slash")
	}
	if per > 24*time.Hour {
		return quota{}, errors.New("has a span longer than a day")
	}
	return quota{posts: n, per: per}, nil
}

// short is a duration without its trailing zero units: 1h, not 1h0m0s.
func short(d time.Duration) string {
	s := d.String()
	if strings.HasSuffix(s, "m0s") {
		s = strings.TrimSuffix(s, "0s")
	}
	if strings.HasSuffix(s, "h0m") {
		s = strings.TrimSuffix(s, "0m")
	}
	return s
}
