package storetest

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"io"
	"net/http"
	"net/url"
	"testing"
)

// Object is what a bucket has under a name.
type Object struct {
	Body    []byte
	Version string // the store's; another one for each upload of other bytes
}

// Objects are those of a bucket whose names begin with a prefix, by name. They are asked for one by one, while nobody writes.
func Objects(t testing.TB, kind Kind, bucket, prefix string) map[string]Object {
	t.Helper()
	all := make(map[string]Object)
	for after, more := "", true; more; {
		var page []listed
		page, after = list(t, kind, bucket, prefix, after)
		more = after != ""
		for _, o := range page {
			all[o.Name] = Object{Body: ask(t, http.MethodGet, place(t, kind, bucket, o.Name), nil), Version: o.Version}
		}
	}
	return all
}

// Put puts an object into a bucket, whatever has its name.
func Put(t testing.TB, kind Kind, bucket, name string, body []byte) {
	t.Helper()
	if kind == GCS {
		ask(t, http.MethodPost, Server(t, kind)+"/upload/storage/v1/b/"+bucket+"/o?uploadType=media&name="+url.QueryEscape(name), body)
		return
	}
	ask(t, http.MethodPut, place(t, kind, bucket, name), body)
}

// Remove removes an object of a bucket.
func Remove(t testing.TB, kind Kind, bucket, name string) {
	t.Helper()
	at := place(t, kind, bucket, name)
	if kind == GCS {
		at = Server(t, kind) + "/storage/v1/b/" + bucket + "/o/" + url.PathEscape(name)
	}
	ask(t, http.MethodDelete, at, nil)
}

// place is where an object is read.
func place(t testing.TB, kind Kind, bucket, name string) string {
	t.Helper()
	if kind == GCS {
		return Server(t, kind) + "/storage/v1/b/" + bucket + "/o/" + url.PathEscape(name) + "?alt=media"
	}
	return Server(t, kind) + (&url.URL{Path: "/" + bucket + "/" + name}).EscapedPath()
}

type listed struct{ Name, Version string }

func list(t testing.TB, kind Kind, bucket, prefix, after string) (page []listed, next string) {
	t.Helper()
	if kind == GCS {
		var answer struct {
			Items         []struct{ Name, Generation string }
			NextPageToken string
		}
		body := ask(t, http.MethodGet, Server(t, kind)+"/storage/v1/b/"+bucket+"/o?prefix="+url.QueryEscape(prefix)+"&pageToken="+url.QueryEscape(after), nil)
		if err := json.Unmarshal(body, &answer); err != nil {
			t.Fatal(err)
		}
		for _, o := range answer.Items {
			page = append(page, listed{o.Name, o.Generation})
		}
		return page, answer.NextPageToken
	}
	var answer struct {
		Contents              []struct{ Key, ETag, LastModified string }
		NextContinuationToken string
	}
	more := ""
	if after != "" {
		more = "&continuation-token=" + url.QueryEscape(after)
	}
	body := ask(t, http.MethodGet, Server(t, kind)+"/"+bucket+"?list-type=2&prefix="+url.QueryEscape(prefix)+more, nil)
	if err := xml.Unmarshal(body, &answer); err != nil {
		t.Fatal(err)
	}
	for _, o := range answer.Contents {
		page = append(page, listed{o.Key, o.ETag + " " + o.LastModified})
	}
	return page, answer.NextContinuationToken
}

func ask(t testing.TB, method, at string, body []byte) []byte {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, at, bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	got, err := io.ReadAll(answer.Body)
	if err != nil || answer.StatusCode >= http.StatusMultipleChoices {
		t.Fatalf("%s %s: %s %.200s, %v", method, at, answer.Status, got, err)
	}
	return got
}
