package ucontact

import (
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"unicode/utf16"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"

	"github.com/windrow-data/windrow/pipeline/push"
)

var planted = push.Batch{Contacts: []push.Payload{
	{
		JSON: []byte(`{"clientIds":["+525512345678","03 14"],"contactId":"K-77","priority":7,"content":"Hola José, su factura vence mañana & más","attachments":["20251103/mi archivo.pdf"]}`),
		Data: []byte(`{"name":"José Núñez Ávila","city":"Xi","smile":"😀","balance":1234.5,"vip":true,"nested":{"list":["Zürich"]},"none":null}`),
	},
	{JSON: []byte(`{"clientId":"maria.luna@correo.example"}`)},
}}

const plantedToken = "tok_AbCdEf123456"

// traces are what must not be left of the planted values, in lower case.
var traces = []string{
	"5512345678", "12345678", "1234-5678", "1234 5678", "(55)", "0314", "k-77", "josé", "jose", "núñez", "nunez", "ávila", "avila", "factura", "mañana", "zürich", "zurich", "😀",
	"1234.5", "maria", "luna", "correo.example", "archivo", "tok_", "cdef12", "u00f1", "%c3", "%40",
}

func leaks(t *testing.T, says, text string) {
	t.Helper()
	lower := strings.ToLower(norm.NFC.String(text))
	for _, trace := range traces {
		if strings.Contains(lower, trace) {
			t.Errorf("%s: %q holds %q", says, text, trace)
		}
	}
}

func TestNothingThatWasSentIsInTheVendorsWords(t *testing.T) {
	values := strings.Join([]string{
		"+525512345678", "03 14", "K-77", "Hola José, su factura vence mañana & más", "20251103/mi archivo.pdf", "José Núñez Ávila", "😀", "1234.5", "Zürich",
		"maria.luna@correo.example", plantedToken,
	}, " | ")
	quoted, _ := json.Marshal(values)
	twice, _ := json.Marshal(string(quoted))
	ascii := strings.Map(func(r rune) rune { return r }, string(quoted))
	var escaped strings.Builder
	for _, r := range values {
		for _, u := range utf16.Encode([]rune{r}) {
			escaped.WriteString(`\u` + strings.ToLower(string("0123456789ABCDEF"[u>>12])+string("0123456789ABCDEF"[u>>8&15])+string("0123456789ABCDEF"[u>>4&15])+string("0123456789ABCDEF"[u&15])))
		}
	}
	var wide []byte
	for _, u := range utf16.Encode([]rune(values)) {
		wide = append(wide, byte(u), byte(u>>8))
	}
	var latin []byte
	for _, r := range strings.ReplaceAll(values, "😀", "") {
		latin = append(latin, byte(r))
	}
	for says, text := range map[string]string{
		"as it was": values, "JSON": ascii, "JSON in JSON": string(twice), "JSON of ASCII": escaped.String(), "a query": url.QueryEscape(values), "a path": url.PathEscape(values),
		"a query twice": url.QueryEscape(url.QueryEscape(values)), "HTML": "<p>Jos&eacute; N&uacute;&ntilde;ez &#193;vila, maria.luna&#64;correo.example, &#x2b;525512345678</p>",
		"capitals": strings.ToUpper(values), "letters without accents": strings.NewReplacer("é", "e", "ú", "u", "ñ", "n", "Á", "A", "ü", "u").Replace(values), "decomposed": norm.NFD.String(values),
		"base64": base64.StdEncoding.EncodeToString([]byte(values)), "hexadecimal": hex.EncodeToString([]byte(values)), "bytes": strings.ReplaceAll(fmt.Sprintf("% X", values), " ", `\x`), "base64 of a URL": base64.RawURLEncoding.EncodeToString([]byte(values)),
		"UTF-16": string(wide), "Latin-1": string(latin), "reordered": "Núñez Ávila, José; luna.maria (correo.example)",
		"a grouped number": "the numbers +52 (55) 1234-5678, 52.55.1234.5678, 55 1234 5678, (55)1234–5678 and 1234 5678 are barred", "full width": "＋５２５５１２３４５６７８",
		"a part": "…content: su factura vence ma", "cut by the vendor": "bad: Hola José, su fact", "another address": "see ops.person@vendor.example or +1 312 548 7701", "a basic login": base64.StdEncoding.EncodeToString([]byte("user:" + plantedToken)),
	} {
		got := masked([]byte(text), plantedToken, planted)
		leaks(t, says, got)
		if strings.Contains(got, "person@") || strings.Contains(got, "7701") || got == "" {
			t.Errorf("%s: %q", says, got)
		}
	}
	for says, name := range map[string]string{"name": "Xi", "priority": "7"} {
		if got := masked([]byte("bad "+says+": "+name+"."), plantedToken, planted); got != "bad "+says+": …." {
			t.Errorf("%s: %q", says, got)
		}
	}
}

func TestTheVendorsOwnWordsStay(t *testing.T) {
	for text, want := range map[string]string{
		`{"id":12,"state":"loading"}`:                             `{"id":12,"state":"loading"}`,
		"the hub does not exist":                                  "the hub does not exist",
		"line one\r\n\tline\x1b[31m two":                          "line one line [31m two",
		`{"error":"El número \"+52 55 1234 5678\" no es válido"}`: `{"error":"El número "+…" no es válido"}`,
		"":    "",
		" \n": "",
	} {
		if got := masked([]byte(text), plantedToken, planted); got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
}

func TestOnlyTheFirstBytesAreKeptAndNoValueIsCutIntoThem(t *testing.T) {
	for n := range 40 {
		text := strings.Repeat("ñ", 240) + strings.Repeat("-", n) + "José Núñez Ávila +52 55 1234 5678 " + strings.Repeat("z", 100)
		got := masked([]byte(text), plantedToken, planted)
		leaks(t, "at the end", got)
		if len(got) > keptText || !utf8.ValidString(got) {
			t.Fatalf("%d bytes", len(got))
		}
	}
	// Where the reading ends in a value, nothing of it is kept either.
	long := strings.Repeat("+525512345678 ", textLimit/14-9) + strings.Repeat(" ", 64) + "mari"
	if got := masked([]byte((strings.Repeat(" ", textLimit) + long)[len(long):]), plantedToken, planted); strings.Contains(got, "mari") {
		t.Errorf("cut by the reading: %q", got)
	}
}

func TestGzipIsUndone(t *testing.T) {
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	_, _ = z.Write([]byte("José"))
	_ = z.Close()
	if got := string(readable(http.Header{"Content-Encoding": {"gzip"}}, b.Bytes())); got != "José" {
		t.Errorf("%q", got)
	}
	if got := readable(http.Header{"Content-Encoding": {"br"}}, []byte("abc")); got != nil {
		t.Errorf("%q", got)
	}
}

func FuzzMasked(f *testing.F) {
	f.Add([]byte(`\u00e9 %C3%A9 &eacute; am9zw6k=`))
	f.Fuzz(func(t *testing.T, text []byte) {
		got := masked(text, plantedToken, planted)
		if len(got) > keptText || !utf8.ValidString(got) || strings.Contains(got, "525512345678") || strings.Contains(got, plantedToken) {
			t.Errorf("%q", got)
		}
	})
}
