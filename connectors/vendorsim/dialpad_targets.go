package vendorsim

import (
	"net/http"
	"strconv"
)

// dialpadCollections are the API's collections of what a report can be asked for,
// as its published OpenAPI document names them. It has none for coaching groups
// and staff groups.
func dialpadCollections() map[string][]Target {
	all := map[string][]Target{"coachingteams": {CoachingTeam()}, "rooms": {}, "offices": Offices()}
	for _, l := range Lines() {
		if l.Target.Kind != "user" {
			all[l.Target.Kind+"s"] = append(all[l.Target.Kind+"s"], l.Target)
		}
	}
	for _, u := range Users() {
		all["users"] = append(all["users"], Target{"user", u.ID})
	}
	return all
}

// dialpadNeighbour serves what is not statistics, unless the host serves those alone.
func (w *World) dialpadNeighbour(next http.HandlerFunc) http.HandlerFunc {
	return w.dialpadHost(func(rw http.ResponseWriter, r *http.Request) {
		switch w.settings().Dialpad.Neighbours {
		case NeighboursPage:
			http.NotFound(rw, r)
		case NeighboursError:
			dialpadError(rw, http.StatusNotFound, "notFound", "Not found")
		default:
			next(rw, r)
		}
	})
}

// dialpadList answers the one page that there is.
func dialpadList(rw http.ResponseWriter, targets []Target) {
	items := []map[string]any{}
	for _, t := range targets {
		items = append(items, t.item())
	}
	sendJSON(rw, http.StatusOK, map[string]any{"items": items})
}

// item is a target as the collections show it.
func (t Target) item() map[string]any {
	item := map[string]any{"id": strconv.FormatInt(t.ID, 10), "name": t.String()}
	for _, l := range Lines() {
		if l.Target == t {
			item["name"], item["office_id"] = l.Name, strconv.FormatInt(l.Office, 10)
		}
	}
	return item
}

func dialpadOne(rw http.ResponseWriter, targets []Target, id string) {
	for _, t := range targets {
		if strconv.FormatInt(t.ID, 10) == id {
			sendJSON(rw, http.StatusOK, t.item())
			return
		}
	}
	dialpadError(rw, http.StatusNotFound, "notFound", "Not found")
}
