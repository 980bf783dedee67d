package push

import (
	"bytes"
	"fmt"
	"reflect"
	"testing"
)

// What is spooled comes back, as often as it is read, and is smaller meanwhile.
func TestASpoolKeepsContactsCompressed(t *testing.T) {
	var s spool
	h := NewHasher("0123456789abcdef0123456789abcdef")
	var want []item
	written := 0
	for i := range 3000 {
		c := Contact{IDs: []string{fmt.Sprint("+52", i)}, JSON: bytes.Repeat([]byte(fmt.Sprintf(`{"n":%d}`, i)), 40)}
		if i%3 == 0 {
			c.IDs, c.Data = append(c.IDs, fmt.Sprint("+53", i)), []byte("{}")
		}
		it := item{Entry: h.Entry(c), Payload: Payload{JSON: c.JSON, Data: c.Data}, otherwise: i%5 == 0}
		if err := s.putItem(it); err != nil {
			t.Fatal(err)
		}
		want, written = append(want, it), written+len(c.JSON)
	}
	if err := s.seal(); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		var got []item
		if err := s.items(func(i item) error { got = append(got, i); return nil }); err != nil || !reflect.DeepEqual(got, want) {
			t.Fatalf("%d items come back of %d, %v", len(got), len(want), err)
		}
	}
	if kept := len(s.blocks) * spoolBlock; kept > written/2 {
		t.Errorf("%d bytes keep %d", kept, written)
	}
}
