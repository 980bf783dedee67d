package httpclient

import (
	"io"
	"math/rand/v2"
	"strings"
	"testing"
	"testing/iotest"
)

func TestABodyIsBlankedOfEverySecretAndOfNothingElse(t *testing.T) {
	tokens := []string{"s3cret", "abcdabce", strings.Repeat("token/", 90)}
	s := newSecrets(tokens)
	spelled := s.wholeSpellings()
	rng := rand.New(rand.NewPCG(1, 2))
	for range 300 {
		var b strings.Builder
		for b.Len() < 3*blankBytes/2 && rng.IntN(40) > 0 {
			switch rng.IntN(4) {
			case 0:
				b.WriteString(spelled[rng.IntN(len(spelled))])
			case 1: // the beginning of one
				one := spelled[rng.IntN(len(spelled))]
				b.WriteString(one[:rng.IntN(len(one))])
			case 2:
				b.WriteString(strings.Repeat("x", rng.IntN(blankBytes)))
			default:
				b.WriteString("abcd")
			}
		}
		secret := make([]bool, b.Len())
		for _, one := range spelled {
			for at := 0; ; at++ {
				i := strings.Index(b.String()[at:], one)
				if i < 0 {
					break
				}
				at += i
				for j := range one {
					secret[at+j] = true
				}
			}
		}
		var r io.Reader = strings.NewReader(b.String())
		if rng.IntN(2) == 0 {
			r = iotest.HalfReader(r)
		}
		got, err := io.ReadAll(s.Blank(r))
		if err != nil || len(got) != b.Len() {
			t.Fatalf("%d bytes of %d, %v", len(got), b.Len(), err)
		}
		for i := range got {
			if !secret[i] && got[i] != b.String()[i] {
				t.Fatalf("byte %d of %d is no secret's, and was taken out", i, b.Len())
			}
		}
		for _, one := range spelled {
			if strings.Contains(string(got), one) {
				t.Fatalf("a secret is left of a body of %d bytes", b.Len())
			}
		}
	}
}

// What is left of a secret is no more than the bytes beside it in base64, also where the body is cut, and all else stays.
func TestASecretIsBlankedHoweverABodySpellsIt(t *testing.T) {
	for _, secret := range []string{"abc1", "s3cr3t-key-0123456789", `p"w/ 1%41&+`, "correct horse", "~~>>??/+_-=", "eyJh.b-c_d", strings.Repeat("token/", 90)} {
		s := newSecrets([]string{secret})
		for _, block := range []int{0, blankBytes} { // between two secrets
			var b strings.Builder
			places := make(map[string]span)
			for name, write := range notations {
				spelled := write(secret)
				b.WriteString(strings.Repeat("x", max(0, block-b.Len()%blankBytes-len(spelled)/2)) + ` {"a":"https:\/\/x.test\/`)
				places[name] = span{b.Len(), b.Len() + len(spelled)}
				b.WriteString(spelled + `","b":"50% & more … or less"} `)
			}
			text := b.String()
			blanked, err := io.ReadAll(s.Blank(iotest.HalfReader(strings.NewReader(text))))
			if err != nil || len(blanked) != len(text) {
				t.Fatalf("%s: %d bytes of %d, %v", secret, len(blanked), len(text), err)
			}
			rest := []byte(text)
			for name, at := range places {
				got := string(blanked[at.start:at.end])
				copy(rest[at.start:], got)
				stars := strings.Count(got, "*")
				if beside := len(got) - stars; stars == 0 || beside > 18 || beside > 0 && !strings.HasPrefix(name, "base64") {
					t.Errorf("%s of %s: %q is left of %q", name, secret, got, text[at.start:at.end])
				}
			}
			if string(rest) != string(blanked) {
				t.Errorf("%s: bytes of the body that are no secret's are changed", secret)
			}
		}
	}
}

// A body is no message: what only begins like a secret where it is cut stays.
func TestTheBeginningOfASecretStaysInABody(t *testing.T) {
	s := newSecrets([]string{"s3cr3t-key-0123456789"})
	for _, text := range []string{"s3cr3t-key-01234…", "%73%33%63%72%33%74-key", `\u0073\u0033cr3t-ke`, "a=1&amp;s3cr3t-key-012345678"} {
		if got, err := io.ReadAll(s.Blank(strings.NewReader(text))); string(got) != text || err != nil {
			t.Errorf("%q becomes %q, %v", text, got, err)
		}
	}
}

func TestABodyWithoutSecretsStaysAsItIs(t *testing.T) {
	text := strings.Repeat("date,agent\n2025-09-08,Ana\n", 10_000)
	for name, s := range map[string]*secrets{"none": newSecrets(nil), "one": newSecrets([]string{"a-long-token-of-the-vendor"})} {
		got, err := io.ReadAll(s.Blank(iotest.OneByteReader(strings.NewReader(text))))
		if err != nil || string(got) != text {
			t.Errorf("%s: %d bytes, %v", name, len(got), err)
		}
	}
	if _, err := io.ReadAll(newSecrets([]string{"token"}).Blank(iotest.TimeoutReader(strings.NewReader(text)))); err == nil {
		t.Error("an error on the way is lost")
	}
}

func TestSignaturesOfLinksAreBlankedWhereverABodyIsCut(t *testing.T) {
	const link = "see https://a.example/f.csv?X-Goog-Signature=0a1b2c3d4e&part=1 for it\n"
	clean := strings.Replace(link, "0a1b2c3d4e", "**********", 1)
	for _, before := range []int{0, 1, blankBytes - 50, blankBytes - 30, blankBytes, longestLink + blankBytes - 40, 3 * blankBytes} {
		text := strings.Repeat("x", before) + link + strings.Repeat("y", blankBytes)
		got, err := io.ReadAll(newSecrets(nil).BlankLinks(strings.NewReader(text)))
		if want := strings.Repeat("x", before) + clean + strings.Repeat("y", blankBytes); string(got) != want || err != nil {
			t.Errorf("behind %d bytes: %d of %d bytes, %v", before, len(got), len(want), err)
		}
	}
}

func BenchmarkBlank(b *testing.B) {
	s := newSecrets([]string{"9f8a7b6c5d4e3f2a1b0c9d8e7f6a5b4c"})
	for name, line := range map[string]string{
		"CSV":          "2025-09-08 10:11:12,4567890123456789,Ana López,+5215512345678,inbound,12.5,0.25\n",
		"escaped JSON": `{"at":"2025-09-08 10:11:12","url":"https:\/\/files.test\/r\/12?a=1\u0026b=50%25","text":"\u00a1Hola!\n\"s\u00ed\""},` + "\n",
	} {
		text := strings.Repeat(line, 100_000)
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(len(text)))
			for b.Loop() {
				_, _ = io.Copy(struct{ io.Writer }{io.Discard}, s.Blank(strings.NewReader(text)))
			}
		})
	}
}
