package router

import (
	"slices"
	"strings"

	"github.com/roster-go/roster"
)

// A node is a place in the paths of one host and one method: what was read so
// far is the way to it. Literals are compared along the edges of a radix tree;
// wildcards hang off the places behind a slash.
//
// Trees are persistent: a later version of a table shares all nodes but those on
// the way to what it changed.
type node struct {
	prefix string  // literal bytes on the edge to the node; behind a wildcard there are none
	first  string  // the first byte of each kid's prefix
	kids   []*node // in the same order
	leaf   *leaf   // of the pattern that ends here
	single *node   // behind one segment, if a wildcard for it is here
	rest   *leaf   // of the pattern that takes the rest from here
	by     *build  // who made the node and may still write to it
}

// A build is one run of the function that makes a table.
type build struct{ _ byte } // not empty, so that two of them have two addresses

// A leaf is what a path leads to.
type leaf struct {
	*pattern
	target
	tally roster.Tally
}

// steps is a pattern as a tree sees it: literals, and a wildcard between each two
// of them.
type steps struct {
	literals []string // one more than wildcards
	wild     []kind   // single, or multi as the last
}

func (p *pattern) steps() steps {
	var s steps
	var text strings.Builder
	for _, seg := range p.segments {
		text.WriteByte('/')
		text.WriteString(map[bool]string{true: seg.text}[seg.kind == literal])
		if seg.kind == single || seg.kind == multi {
			s.literals = append(s.literals, text.String())
			s.wild = append(s.wild, seg.kind)
			text.Reset()
		}
	}
	s.literals = append(s.literals, text.String())
	return s
}

// next is s behind its first literal and its first wildcard.
func (s steps) next() steps { return steps{s.literals[1:], s.wild[1:]} }

// behind is s without the first n bytes of its first literal.
func (s steps) behind(n int) steps {
	literals := slices.Clone(s.literals)
	literals[0] = literals[0][n:]
	return steps{literals, s.wild}
}

// owned is n, or a copy of it that b may write to.
func (n *node) owned(b *build) *node {
	if n == nil {
		return &node{by: b}
	}
	if n.by == b {
		return n
	}
	c := *n
	c.kids, c.by = slices.Clone(n.kids), b
	return &c
}

// with returns n with l where s leads, or without a leaf there if l is nil. It
// returns nil if nothing is left.
func (n *node) with(b *build, s steps, l *leaf) *node {
	n = n.owned(b)
	switch text := s.literals[0]; {
	case text != "":
		n.descend(b, text, s, l)
	case len(s.wild) == 0:
		n.leaf = l
	case s.wild[0] == multi:
		n.rest = l
	default:
		n.single = n.single.with(b, s.next(), l)
	}
	if n.leaf == nil && n.rest == nil && n.single == nil && len(n.kids) == 0 {
		return nil
	}
	return n
}

// descend is with along the edge that begins like text.
func (n *node) descend(b *build, text string, s steps, l *leaf) {
	i := strings.IndexByte(n.first, text[0])
	if i < 0 {
		kid := (*node)(nil).with(b, s.behind(len(text)), l)
		if kid == nil {
			return
		}
		kid.prefix = text
		n.first += text[:1]
		n.kids = append(n.kids, kid)
		return
	}
	kid := n.kids[i].owned(b)
	common := 0
	for common < min(len(kid.prefix), len(text)) && kid.prefix[common] == text[common] {
		common++
	}
	if common < len(kid.prefix) { // the edge parts here
		fork := &node{prefix: kid.prefix[:common], first: kid.prefix[common : common+1], kids: []*node{kid}, by: b}
		kid.prefix = kid.prefix[common:]
		kid = fork
	}
	kid = kid.with(b, s.behind(common), l)
	if kid == nil {
		n.first = n.first[:i] + n.first[i+1:]
		n.kids = slices.Delete(n.kids, i, i+1)
		return
	}
	n.kids[i] = kid.joined(b)
}

// joined is n in one with its only kid, if nothing else is at n.
func (n *node) joined(b *build) *node {
	if len(n.kids) != 1 || n.leaf != nil || n.rest != nil || n.single != nil {
		return n
	}
	kid := n.kids[0].owned(b)
	kid.prefix = n.prefix + kid.prefix
	return kid
}
