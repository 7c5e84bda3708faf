package etcd

import (
	"errors"
	"testing"

	"github.com/roster-go/roster/discovery"
)

func FuzzDecode(f *testing.F) {
	for _, seed := range []struct{ key, value string }{
		{"services/mail/a", `{"v":1,"address":"x:1"}`},
		{"services/mail/a", `{"v":1,"address":"x:1","metadata":{"k":"v"},"unknown":[]}`},
		{"services/mail/a/b", `{"v":1,"address":"x:1"}`},
		{"services//a", `{}`},
		{"services/mail/a", `{"v":2}`},
		{"services/mail/a", "\xff"},
		{"", ""},
	} {
		f.Add(seed.key, []byte(seed.value))
	}
	f.Fuzz(func(t *testing.T, key string, data []byte) {
		decoded, err := decode("", key, data)
		if err != nil {
			var fault *DecodeError
			if !errors.As(err, &fault) || fault.Key != key {
				t.Fatalf("error %v is not a DecodeError for %q", err, key)
			}
			return
		}
		if err := decoded.Validate(); err != nil {
			t.Fatalf("decoded an invalid instance: %v", err)
		}
		if got := encodeKey("", decoded.Key()); got != key {
			t.Fatalf("key %q became %q", key, got)
		}
		encoded, err := new(Backend).encodeValue(decoded)
		if err != nil {
			t.Fatal(err)
		}
		again, err := decode("", key, []byte(encoded))
		if err != nil || !again.Equal(decoded) {
			t.Fatalf("%+v became %+v, %v", decoded, again, err)
		}
	})
}

func FuzzKey(f *testing.F) {
	f.Add("p/", "mail", "a")
	f.Add("", "a/b", "..")
	f.Fuzz(func(t *testing.T, prefix, service, id string) {
		key := discovery.Key{Service: service, ID: id}
		if key.Validate() != nil {
			return
		}
		got, err := decodeKey(prefix, encodeKey(prefix, key))
		if err != nil || got != key {
			t.Fatalf("%v became %v, %v", key, got, err)
		}
	})
}
