package objectstore

import "testing"

func TestAddressesOfBuckets(t *testing.T) {
	for text, want := range map[string]string{
		"gs://bucket":                    "gs://bucket",
		"gs://bucket/":                   "gs://bucket",
		"gs://bucket/a/b/":               "gs://bucket/a/b",
		"s3://bucket/a?region=eu-west-1": "s3://bucket/a",
		"s3://b?endpoint=http://h:1":     "s3://b",
		"s3://b?use_path_style=true":     "s3://b",
		"s3://b?use_path_style=perhaps":  "",
		"s3://b?endpoint=h":              "",
		"s3://b?acl=public":              "",
		"gs://b?region=eu":               "",
		"gs://":                          "",
		"gs:///a":                        "",
		"gs://b/a/../c":                  "",
		"gs://b/a//c":                    "",
		"s3://key:secret@b/a":            "",
		"azblob://b":                     "",
		"gs://b/a#c":                     "",
	} {
		a, err := ParseAddress(text)
		if err != nil && want == "" {
			continue
		}
		if err != nil || a.String() != want {
			t.Errorf("%s: %q, %v; want %q", text, a, err, want)
		}
	}
	if got := Beneath("s3://b/a/?region=x", "raw"); got != "s3://b/a/raw?region=x" {
		t.Error(got)
	}
}
