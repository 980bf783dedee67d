package vendorsim

import (
	"slices"
	"strconv"
)

// Target is what a Dialpad report can be asked for: a kind in the request's
// spelling (callcenter, department, office, user, company) and an id.
type Target struct {
	Kind string
	ID   int64
}

// String is the target as WINDROW_DIALPAD_TARGETS spells it and as a row's
// scope does: "callcenter:123", and "company" alone.
func (t Target) String() string {
	if t.Kind == "company" {
		return t.Kind
	}
	return t.Kind + ":" + strconv.FormatInt(t.ID, 10)
}

// User is a person with a Dialpad line.
type User struct {
	ID          int64
	Name, Email string
	Number      string
}

// Line is something that customers call: a call centre, a department, or a
// user's own number.
type Line struct {
	Target Target
	Name   string
	Number string
	Office int64
	Users  []User // who answers it
}

const (
	companyID   = 4_611_000_000_000_001
	officeNorth = 5_710_000_000_000_001
	officeSouth = 5_710_000_000_000_002
)

// Company is the whole company: what a report without target and office covers.
func Company() Target { return Target{"company", companyID} }

// Offices of the company. The first has both call centres that Env names.
func Offices() []Target {
	return []Target{{"office", officeNorth}, {"office", officeSouth}}
}

// CallCenters of the company: two in the first office and one in the second.
func CallCenters() []Target {
	var ts []Target
	for _, l := range Lines() {
		if l.Target.Kind == "callcenter" {
			ts = append(ts, l.Target)
		}
	}
	return ts
}

// CoachingTeam has one trainee, the first of the users, and no calls of its own.
func CoachingTeam() Target { return Target{"coachingteam", 7_001_000_000_000_001} }

// Users of the company.
func Users() []User {
	return []User{
		{6_001_000_000_000_001, "Ana Ruiz", "ana.ruiz@acme.example", "+13125550101"},
		{6_001_000_000_000_002, `Bob "Bobby" O'Neil`, "bob@acme.example", "+13125550102"},
		{6_001_000_000_000_003, "Çelik, Derya", "derya@acme.example", "+13125550103"},
		{6_001_000_000_000_004, "陳大文", "chan@acme.example", "8035550104"}, // a number-less user's fake number
		{6_001_000_000_000_005, "Eva  Smith ", "eva@acme.example", "+13125550105"},
		{6_001_000_000_000_006, "Frida N.", "frida@acme.example", "+13125550106"},
		{6_001_000_000_000_007, "Gus Only-Direct", "gus@acme.example", "+13125550107"},
	}
}

// Lines of the company. Some users answer several of them.
func Lines() []Line {
	u := Users()
	return []Line{
		{Target{"callcenter", 6_529_000_000_000_101}, "Ventas", "+13125550001", officeNorth, u[0:3]},
		{Target{"callcenter", 6_529_000_000_000_102}, "Soporte, 24/7", "+13125550002", officeNorth, u[2:5]},
		{Target{"department", 6_529_000_000_000_201}, "Finanzas \"AR\"", "+13125550003", officeNorth, u[4:5]},
		{Target{"callcenter", 6_529_000_000_000_103}, "Sur", "+13125550004", officeSouth, u[5:6]},
		{Target{"user", u[0].ID}, u[0].Name, u[0].Number, officeNorth, u[0:1]},
		{Target{"user", u[6].ID}, u[6].Name, u[6].Number, officeSouth, u[6:7]},
	}
}

// linesOf lists the lines whose rows a report of t may hold; only is the user
// to whom it is restricted, 0 for none. ok is false for an unknown id.
func linesOf(t Target) (lines []Line, only int64, ok bool) {
	all := Lines()
	switch t.Kind {
	case "company":
		return all, 0, true
	case "office":
		lines = slices.DeleteFunc(all, func(l Line) bool { return l.Office != t.ID })
		return lines, 0, len(lines) > 0
	case "coachingteam":
		return nil, 0, t == CoachingTeam()
	case "user":
		known := slices.ContainsFunc(Users(), func(u User) bool { return u.ID == t.ID })
		return all, t.ID, known
	default:
		lines = slices.DeleteFunc(all, func(l Line) bool { return l.Target != t })
		return lines, 0, len(lines) > 0
	}
}

// kinds of a target in a row's target_kind and target_type, which are spelled
// otherwise than in the request.
func (t Target) rowKinds() (kind, typ string) {
	switch t.Kind {
	case "callcenter":
		return "CallCenter", "call_center"
	case "department":
		return "Department", "department"
	case "office":
		return "Office", "office"
	}
	return "UserProfile", "user"
}
