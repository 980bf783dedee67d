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
	text := strings.Repeat("2025-09-08 10:11:12,4567890123456789,Ana López,+5215512345678,inbound,12.5,0.25\n", 100_000)
	s := newSecrets([]string{"9f8a7b6c5d4e3f2a1b0c9d8e7f6a5b4c"})
	b.SetBytes(int64(len(text)))
	for b.Loop() {
		_, _ = io.Copy(struct{ io.Writer }{io.Discard}, s.Blank(strings.NewReader(text)))
	}
}
