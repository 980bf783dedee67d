package show

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/windrow-data/windrow/pipeline"
	"github.com/windrow-data/windrow/pipeline/engine"
)

// Adoption tells whose data those of an account, which has so many streams, are from now on, and whose they were.
func Adoption(w io.Writer, k pipeline.TenantKey, owner pipeline.Owner, adopted []engine.Adoption, streams int) error {
	var err error
	switch {
	case streams == 0:
		_, err = fmt.Fprintf(w, "The sink has nothing of %s yet: its first commit notes %s.\n", k.Label(), owner)
	case len(adopted) == 0:
		_, err = fmt.Fprintf(w, "The data of %s are those of %s already; nothing has changed.\n", k.Label(), owner)
	default:
		_, err = fmt.Fprintf(w, "The data of %s were those of %s; from now on they are those of %s.\n", k.Label(), strings.Join(formerOwners(adopted), " and "), owner)
	}
	return err
}

// formerOwners names them, each once.
func formerOwners(adopted []engine.Adoption) (names []string) {
	for _, a := range adopted {
		name := string(a.Former)
		if name == "" {
			name = "nobody that was noted"
		}
		if !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	return names
}

// AdoptionJSON is the document of an adoption; former is null where nobody was noted.
func AdoptionJSON(w io.Writer, k pipeline.TenantKey, owner pipeline.Owner, adopted []engine.Adoption) error {
	type one struct {
		Stream pipeline.StreamID `json:"stream"`
		Former *pipeline.Owner   `json:"former"`
	}
	document := struct {
		Source  pipeline.SourceID  `json:"source"`
		Account pipeline.AccountID `json:"account"`
		Tenant  pipeline.Owner     `json:"tenant"`
		Streams []one              `json:"streams"`
	}{k.Source, k.Account, owner, []one{}}
	for _, a := range adopted {
		s := one{Stream: a.Stream.Stream}
		if a.Former != "" {
			s.Former = &a.Former
		}
		document.Streams = append(document.Streams, s)
	}
	return Document(w, document)
}
