package subject

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/roster-go/roster/internal/assert"
)

// A trie that went through thousands of changes finds what a comparison with each
// pattern finds, and the versions before it are as they were.
func TestTrieAgreesWithTheNaiveMatcher(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	word := func(among ...string) string {
		tokens := make([]string, 1+random.IntN(5))
		for i := range tokens {
			tokens[i] = among[random.IntN(len(among))]
		}
		return strings.Join(tokens, ".")
	}
	type version struct {
		trie trie[string]
		live []string
	}
	for range 30 {
		var versions []version
		var v version
		for range 100 {
			b := new(build)
			v.live = slices.Clone(v.live)
			for range 1 + random.IntN(3) {
				p := word("a", "b", "c", "*", "a*", ">")
				if patternFault(p) != "" {
					continue
				}
				if i := slices.Index(v.live, p); i >= 0 {
					v.live = slices.Delete(v.live, i, i+1)
					v.trie = v.trie.with(b, p, nil)
				} else {
					v.live = append(v.live, p)
					v.trie = v.trie.with(b, p, &p)
				}
				assert.Equal(t, v.trie.get(p) != nil, slices.Contains(v.live, p))
			}
			versions = append(versions, v)
		}
		for _, v := range versions {
			subject := word("a", "b", "c", "a*", "x")
			var got, want []string
			for _, p := range v.trie.match(subject, nil) {
				got = append(got, *p)
			}
			for _, p := range v.live {
				if Match(p, subject) {
					want = append(want, p)
				}
			}
			slices.Sort(got)
			slices.Sort(want)
			assert.Equal(t, fmt.Sprint(subject, got), fmt.Sprint(subject, want))
		}
	}
}

// Every path through a.*, b.* ... matches, and still no node is visited twice.
func TestHostileSubjectVisitsEachNodeOnce(t *testing.T) {
	var x trie[string]
	b := new(build)
	var add func(pattern []string)
	add = func(pattern []string) {
		if len(pattern) == 12 {
			p := strings.Join(pattern, ".") + ".end"
			x = x.with(b, p, &p)
			return
		}
		add(append(pattern, "a"))
		add(append(pattern, "*"))
	}
	add(nil)
	assert.Equal(t, len(x.match(strings.Repeat("a.", 12)+"end", nil)), 1<<12)
	assert.Equal(t, len(x.match(strings.Repeat("a.", 12)+"other", nil)), 0)
	assert.Equal(t, len(x.match(strings.Repeat("a.", 500)+"end", nil)), 0)
}

func TestHashTrieAgainstAMap(t *testing.T) {
	random := rand.New(rand.NewPCG(3, 4))
	var n hashTrie[int]
	model := make(map[string]*int)
	for i := range 20_000 {
		key := strconv.Itoa(random.IntN(3_000))
		b := new(build)
		if random.IntN(2) == 0 {
			n = n.with(b, key, &i)
			model[key] = &i
		} else {
			n = n.without(b, key)
			delete(model, key)
		}
		if n.get(key) != model[key] {
			t.Fatalf("step %d: %s is %v, not %v", i, key, n.get(key), model[key])
		}
	}
	for key, want := range model {
		assert.True(t, n.get(key) == want, key)
		n = n.without(nil, key)
	}
	assert.True(t, n.empty(), "everything was taken out")
}

// Keys whose whole hashes are equal stand in a list behind the last bits.
func TestHashTrieWithEqualHashes(t *testing.T) {
	var n hashTrie[int]
	b := new(build)
	one, two, three := 1, 2, 3
	n.put(b, pair[int]{"one", &one}, 7, allBits)
	n.put(b, pair[int]{"two", &two}, 7, allBits)
	before := n
	n.put(nil, pair[int]{"two", &three}, 7, allBits)
	assert.Equal(t, []int{n.indexOf("one"), n.indexOf("two"), n.indexOf("three"), *n.pairs[1].value}, []int{0, 1, -1, 3})
	assert.Equal(t, *before.pairs[1].value, 2)
	n.cut(nil, "one", 7, allBits)
	n.cut(nil, "two", 7, allBits)
	assert.True(t, n.empty(), "nothing is left")
}

func BenchmarkTrieMatch(b *testing.B) {
	for _, size := range []int{10, 1_000, 100_000} {
		var x trie[string]
		build := new(build)
		subjects := make([]string, size)
		for i := range size {
			p := fmt.Sprintf("orders.%d.region%d.created", i/10, i%10)
			subjects[i] = p
			switch i % 10 {
			case 3:
				p = fmt.Sprintf("orders.%d.*.created", i/10)
			case 7:
				p = fmt.Sprintf("orders.%d.>", i/10)
			}
			x = x.with(build, p, &p)
		}
		rand.Shuffle(size, func(i, j int) { subjects[i], subjects[j] = subjects[j], subjects[i] })
		b.Run(fmt.Sprint(size, "/hot"), func(b *testing.B) {
			var buf [16]*string
			for b.Loop() {
				x.match(subjects[0], buf[:0])
			}
		})
		b.Run(fmt.Sprint(size, "/spread"), func(b *testing.B) {
			var buf [16]*string
			i := 0
			for b.Loop() {
				x.match(subjects[i%size], buf[:0])
				i++
			}
		})
	}
}

// The quick check agrees with the thorough one on every byte at every place.
func TestPlainAgreesWithTheThoroughCheck(t *testing.T) {
	for length := 1; length < 20; length++ {
		for at := range length {
			for c := range 256 {
				for _, around := range []string{"a", "a.", ".a", "*a", "a>"} {
					text := []byte(strings.Repeat(around, length)[:length])
					text[at] = byte(c)
					s := string(text)
					_, wild := wildcardOf(s)
					if thorough := fault(s) == "" && !wild; plain(s) && !thorough {
						t.Fatalf("%q is taken for a subject", s)
					} else if thorough && !plain(s) && c < 0x7f && !strings.ContainsAny(s, "*>") {
						t.Fatalf("%q is not seen to be a subject", s)
					}
				}
			}
		}
	}
}
