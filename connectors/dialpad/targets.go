package dialpad

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/windrow-data/windrow/connectors/internal/httpclient"
	"github.com/windrow-data/windrow/pipeline"
)

// listed are the kinds of targets that are listed, in this order. Users are not: they are many, and people.
var listed = []string{"office", "callcenter", "department", "coachingteam"}

// mostPages bounds the pages of one collection.
const mostPages = 1000

var _ pipeline.TargetLister = (*Source)(nil)

// Targets lists what the key can see. A collection that it may not see leaves the others as they are.
func (s *Source) Targets(ctx context.Context) (all []pipeline.Target, err error) {
	for _, kind := range listed {
		targets, problem := s.list(ctx, kind)
		all, err = append(all, targets...), errors.Join(err, problem)
		if ctx.Err() != nil {
			break
		}
	}
	return all, err
}

// list reads a collection page by page.
func (s *Source) list(ctx context.Context, kind string) (targets []pipeline.Target, err error) {
	collection := collections[kind]
	op, cursor := "GET /"+collection, ""
	for range mostPages {
		var page struct {
			Cursor string `json:"cursor"`
			Items  []struct {
				ID       reportID `json:"id"`
				Name     string   `json:"name"`
				OfficeID reportID `json:"office_id"`
			} `json:"items"`
		}
		address := s.set.url.JoinPath(collection)
		if cursor != "" {
			address.RawQuery = url.Values{"cursor": {cursor}}.Encode()
		}
		err := s.client.JSON(ctx, httpclient.Request{Op: op, Method: http.MethodGet, URL: address, Credential: s.credential(), Header: s.header()}, &page)
		if err != nil {
			return targets, s.withHint(err, fmt.Sprintf("the %ss are not listed: the key may not see them, or %sURL does not serve them", kind, s.set.prefix))
		}
		for _, item := range page.Items {
			t := pipeline.Target{Target: kind + ":" + string(item.ID), Kind: kind, Name: s.client.Mask().Raw(strings.Join(strings.Fields(item.Name), " "))}
			if kind != "office" && item.OfficeID != "" && item.OfficeID != "0" {
				t.PartOf = "office:" + string(item.OfficeID)
			}
			targets = append(targets, t)
		}
		if page.Cursor == "" || page.Cursor == cursor {
			return targets, nil
		}
		cursor = page.Cursor
	}
	return targets, &pipeline.Error{Op: op, Kind: pipeline.Malformed, Err: fmt.Errorf("the list has more than %d pages", mostPages), Hint: "the list above is not whole"}
}
