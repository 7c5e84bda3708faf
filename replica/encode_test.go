package replica_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/roster-go/roster/internal/assert"
	"github.com/roster-go/roster/replica"
)

func TestEncodingIsCanonical(t *testing.T) {
	base := replica.Entry{Key: "orders/<1>"}.Put("us", []byte("a"))
	one := replica.Merge(base.Put("us", nil), base.Delete("eu~7f"))
	other := replica.Merge(base.Delete("eu~7f"), base.Put("us", []byte{}))
	first, err := one.Encode()
	assert.NoError(t, err)
	second, err := other.Encode()
	assert.NoError(t, err)
	assert.Equal(t, string(first), string(second))
	decoded, err := replica.Decode(first)
	assert.NoError(t, err)
	assert.True(t, decoded.Equal(one), "the entry comes back")
	assert.Equal(t, string(first), `{"key":"orders/\u003c1\u003e","writes":[`+
		`{"dot":{"region":"eu~7f","count":1},"time":2,"deleted":true},{"dot":{"region":"us","count":2},"time":2}],`+
		`"context":{"eu~7f":1,"us":2}}`)
}

func TestDecodeIgnoresWhatLaterVersionsAdd(t *testing.T) {
	e, err := replica.Decode([]byte(`{"key":"a/b","colour":"red","writes":[{"dot":{"region":"us","count":1,"x":1},"time":1,"y":[]}],"context":{"us":1}}`))
	assert.NoError(t, err)
	assert.Equal(t, len(e.Writes), 1)
}

func TestDecodeRefuses(t *testing.T) {
	write := func(write, context string) string {
		return fmt.Sprintf(`{"key":"a/b","writes":[%s],"context":{%s}}`, write, context)
	}
	const good = `{"dot":{"region":"us","count":1},"time":1}`
	many := make([]string, replica.MaxRegions+1)
	for n := range many {
		many[n] = fmt.Sprintf(`"r%d":1`, n)
	}
	for _, c := range []struct{ name, text, says string }{
		{"no JSON", `{`, "not an entry"},
		{"another shape", `{"key":7}`, "not an entry"},
		{"a negative count", write(`{"dot":{"region":"us","count":-1}}`, ``), "not an entry"},
		{"trailing text", write(good, `"us":1`) + `x`, "not an entry"},
		{"no key", `{}`, "no slash"},
		{"no namespace", `{"key":"/b"}`, "namespace: it is empty"},
		{"no name", `{"key":"a/"}`, "name: it is empty"},
		{"two slashes", `{"key":"a/b/c"}`, "slash"},
		{"a relative path", `{"key":"a/.."}`, "relative"},
		{"white space", `{"key":"a/b "}`, "white space"},
		{"a long name", `{"key":"a/` + strings.Repeat("b", replica.MaxNameLen+1) + `"}`, "257 bytes"},
		{"a dot that is not covered", write(good, `"eu":1`), "does not cover"},
		{"a write twice", write(good+","+good, `"us":1`), "sorted"},
		{"a write of no region", write(`{"dot":{"region":"","count":1},"time":1}`, `"":1`), "empty"},
		{"a count of zero", write(`{"dot":{"region":"us","count":0},"time":1}`, `"us":1`), "zero"},
		{"a count too high", write(``, `"us":4611686018427387905`), "over 46116"},
		{"a time too high", write(`{"dot":{"region":"us","count":1},"time":4611686018427387905}`, `"us":1`), "over 46116"},
		{"a context of zero", write(``, `"us":0`), "zero"},
		{"no time", write(`{"dot":{"region":"us","count":1}}`, `"us":1`), "time"},
		{"a deletion with a value", write(`{"dot":{"region":"us","count":1},"time":1,"deleted":true,"value":"YQ=="}`, `"us":1`), "deletion"},
		{"an id without an incarnation", write(``, `"us~":1`), "incarnation"},
		{"an id with two", write(``, `"us~1~2":1`), "two tildes"},
		{"too many regions", write(``, strings.Join(many, ",")), "65 regions"},
		{"a long value", write(`{"dot":{"region":"us","count":1},"time":1,"value":"`+strings.Repeat("QUFB", replica.MaxValueLen/3+1)+`"}`, `"us":1`), "bytes"},
		{"a long text", strings.Repeat(" ", replica.MaxEntryLen+1), "limit"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := replica.Decode([]byte(c.text))
			assert.True(t, errors.Is(err, replica.ErrInvalid), fmt.Sprintf("ErrInvalid, not %v", err))
			assert.Contains(t, err.Error(), c.says)
		})
	}
}

func TestNames(t *testing.T) {
	for _, name := range []string{"", ".", "..", "a/b", "a~b", " a", "a\x00", "\xff", strings.Repeat("a", 257)} {
		assert.ErrorAs[*replica.InvalidError](t, replica.ValidateRegion(name))
	}
	assert.NoError(t, replica.ValidateRegion("eu-west-1"))
	assert.NoError(t, replica.ValidateID(replica.Incarnation("eu-west-1", "cafe")))
	assert.ErrorAs[*replica.InvalidError](t, replica.ValidateID("~cafe"))
	assert.Equal(t, replica.RegionOf(replica.Incarnation("eu-west-1", "cafe")), "eu-west-1")
	assert.NoError(t, replica.ValidateKey(replica.Key("orders", "a~b")))
	namespace, name, ok := replica.SplitKey("orders/1")
	assert.True(t, ok && namespace == "orders" && name == "1", "the parts of a key")
	_, _, ok = replica.SplitKey("orders")
	assert.True(t, !ok, "no key")
}

func FuzzDecode(f *testing.F) {
	good, _ := replica.Entry{Key: "a/b"}.Put("us", []byte("x")).Encode()
	f.Add(good)
	f.Add([]byte(`{"key":"a/b","writes":[{"dot":{"region":"us","count":18446744073709551615},"time":18446744073709551615}],"context":{"us":18446744073709551615}}`))
	f.Add([]byte(`{"key":"a/b","KEY":"c/d","writes":null}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		e, err := replica.Decode(text)
		if err != nil {
			assert.True(t, errors.Is(err, replica.ErrInvalid), "a typed error")
			return
		}
		again, err := e.Encode()
		assert.NoError(t, err)
		back, err := replica.Decode(again)
		assert.NoError(t, err)
		assert.True(t, back.Equal(e), "decoding what was encoded")
		assert.True(t, replica.Merge(e, back).Equal(e), "idempotent")
		e.Winner()
		e.Conflicts()
		put := replica.Merge(e, e.Put("ap", nil))
		assert.True(t, len(put.Writes) <= 1, "a put supersedes all")
	})
}
