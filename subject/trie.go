package subject

import "strings"

// A trie finds what belongs to the patterns that match a subject. Patterns without
// a wildcard are found with one lookup of the whole subject; a tree of tokens
// holds the others only. Tries are persistent, as their parts are.
type trie[X any] struct {
	literals *hashTrie[X]
	wild     *node[X] // or nil
}

// A node is a place in the tree: the tokens that were read so far are the way to it.
type node[X any] struct {
	kids *hashTrie[node[X]] // by the next token
	one  *node[X]           // behind *
	here *X                 // of the pattern that ends here
	rest *X                 // of the pattern that ends with > here
	by   *build             // who made the node and may still write to it
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
	if n.kids == nil && n.one == nil && n.here == nil && n.rest == nil {
		return nil
	}
	return n
}

// match appends to found what belongs to the patterns that match subject, which is
// valid.
func (t trie[X]) match(subject string, found []*X) []*X {
	if x := t.literals.get(subject); x != nil {
		found = append(found, x)
	}
	if t.wild == nil {
		return found
	}
	return t.wild.match(subject, found)
}

// match goes on with what is left of a subject, at least one token. A node has one
// way that leads to it, so no node is visited twice.
func (n *node[X]) match(subject string, found []*X) []*X {
	for {
		if n.rest != nil {
			found = append(found, n.rest)
		}
		token, left, more := strings.Cut(subject, ".")
		var kid *node[X]
		if n.kids != nil {
			kid = n.kids.get(token)
		}
		if !more {
			if kid != nil && kid.here != nil {
				found = append(found, kid.here)
			}
			if n.one != nil && n.one.here != nil {
				found = append(found, n.one.here)
			}
			return found
		}
		switch {
		case kid == nil && n.one == nil:
			return found
		case kid == nil:
			n = n.one
		case n.one == nil:
			n = kid
		default:
			found = n.one.match(left, found)
			n = kid
		}
		subject = left
	}
}
