package subject

import "strings"

// A trie finds what belongs to the patterns that match a subject. Patterns without
// a wildcard are found with one lookup of the whole subject; a tree of tokens
// holds the others only. Tries are persistent, as their parts are.
type trie[X any] struct {
	literals hashTrie[X]
	wild     *node[X] // or nil
}

// A node is a place in the tree: the tokens that were read so far are the way to it.
type node[X any] struct {
	kids hashTrie[node[X]] // by the next token
	one  *node[X]          // behind *
	here *X                // of the pattern that ends here
	rest *X                // of the pattern that ends with > here
	by   *build            // who made the node and may still write to it
}

// get returns what belongs to pattern, or nil.
func (t trie[X]) get(pattern string) *X {
	if _, wild := wildcardOf(pattern); !wild {
		return t.literals.get(pattern)
	}
	n := t.wild
	for more := true; more && n != nil; {
		var token string
		switch token, pattern, more = strings.Cut(pattern, "."); token {
		case rest:
			return n.rest
		case one:
			n = n.one
		default:
			n = n.kids.get(token)
		}
	}
	if n == nil {
		return nil
	}
	return n.here
}

// with is the trie in which x, which may be nil, belongs to pattern.
func (t trie[X]) with(b *build, pattern string, x *X) trie[X] {
	_, wild := wildcardOf(pattern)
	switch {
	case wild:
		t.wild = t.wild.with(b, pattern, true, x)
	case x != nil:
		t.literals = t.literals.with(b, pattern, x)
	default:
		t.literals = t.literals.without(b, pattern)
	}
	return t
}

// with is n after x was set for the tokens that more tells to be left of a pattern.
func (n *node[X]) with(b *build, pattern string, more bool, x *X) *node[X] {
	switch {
	case n == nil && x == nil:
		return nil
	case n == nil:
		n = &node[X]{by: b}
	case n.by != b:
		n = &node[X]{kids: n.kids, one: n.one, here: n.here, rest: n.rest, by: b}
	}
	if !more {
		n.here = x
		return n.orNil()
	}
	token, pattern, more := strings.Cut(pattern, ".")
	switch token {
	case rest:
		n.rest = x
	case one:
		n.one = n.one.with(b, pattern, more, x)
	default:
		if kid := n.kids.get(token).with(b, pattern, more, x); kid != nil {
			n.kids = n.kids.with(b, token, kid)
		} else {
			n.kids = n.kids.without(b, token)
		}
	}
	return n.orNil()
}

func (n *node[X]) orNil() *node[X] {
	if n.kids.empty() && n.one == nil && n.here == nil && n.rest == nil {
		return nil
	}
	return n
}

// match appends to found what belongs to the patterns that match subject, which is
// valid.
func (t *trie[X]) match(subject string, found []*X) []*X {
	if x := t.literals.get(subject); x != nil {
		found = append(found, x)
	}
	if t.wild == nil {
		return found
	}
	r := reading{subject: subject}
	return t.wild.match(&r, 0, 0, found)
}

// A reading is a subject while it is matched. Several ways through the tree look at
// the same tokens, so it remembers the ends and the hashes of the first ones. Zero
// is what is not known yet.
type reading struct {
	subject string
	ends    [remembered]uint16
	hashes  [remembered]uint64
}

const remembered = 8

// end is where the ith token ends, which begins at from.
func (r *reading) end(i, from int) int {
	if i < remembered && r.ends[i] != 0 {
		return int(r.ends[i])
	}
	end := len(r.subject)
	if dot := strings.IndexByte(r.subject[from:], '.'); dot >= 0 {
		end = from + dot
	}
	if i < remembered {
		r.ends[i] = uint16(end)
	}
	return end
}

// hash is that of the ith token.
func (r *reading) hash(i int, token string) uint64 {
	if i >= remembered {
		return hash(token)
	}
	if r.hashes[i] == 0 {
		r.hashes[i] = hash(token)
	}
	return r.hashes[i]
}

// match goes on with the ith token of a subject, which begins at from. A node has
// one way that leads to it, so no node is visited twice.
func (n *node[X]) match(r *reading, i, from int, found []*X) []*X {
	for {
		if n.rest != nil {
			found = append(found, n.rest)
		}
		end := r.end(i, from)
		token := r.subject[from:end]
		var kid *node[X]
		if n.kids.small() {
			kid = n.kids.scan(token)
		} else {
			kid = n.kids.getHashed(token, r.hash(i, token))
		}
		if end == len(r.subject) {
			if kid != nil && kid.here != nil {
				found = append(found, kid.here)
			}
			if n.one != nil && n.one.here != nil {
				found = append(found, n.one.here)
			}
			return found
		}
		i, from = i+1, end+1
		switch {
		case kid == nil && n.one == nil:
			return found
		case kid == nil:
			n = n.one
		case n.one == nil:
			n = kid
		default:
			found = n.one.match(r, i, from, found)
			n = kid
		}
	}
}
