package router

import "strings"

// A place is a node, or a point on the edge that leads to it: done bytes of the
// edge are read.
type place struct {
	n    *node
	done int
}

func (n *node) entered() place { return place{n, len(n.prefix)} }

// follow reads text from p.
func (p place) follow(text string) (at place, ok bool) {
	for text != "" {
		edge := p.n.prefix[p.done:]
		if edge == "" {
			i := strings.IndexByte(p.n.first, text[0])
			if i < 0 {
				return p, false
			}
			p = place{n: p.n.kids[i]}
			continue
		}
		n := min(len(edge), len(text))
		if edge[:n] != text[:n] {
			return p, false
		}
		p.done += n
		text = text[n:]
	}
	return p, true
}

// atNode is the node that p has arrived at, or nil on the way to one.
func (p place) atNode() *node {
	if p.done < len(p.n.prefix) {
		return nil
	}
	return p.n
}

// meet yields the leaves whose patterns have a path in common with a pattern that
// goes on from p, a place behind a slash, with segments. It looks at the literals
// that a wildcard of the pattern can stand for, and at nothing else that the
// pattern rules out.
func (p place) meet(segments []segment, yield func(*leaf)) {
	if at := p.atNode(); at != nil && at.rest != nil {
		yield(at.rest)
	}
	switch s := segments[0]; s.kind {
	case multi:
		p.all(func(l *leaf) {
			if at := p.atNode(); at == nil || l != at.rest {
				yield(l)
			}
		})
		return
	case end:
		p.ended(nil, yield)
		return
	case literal:
		if at, ok := p.follow(s.text); ok {
			at.ended(segments[1:], yield)
		}
		if s.text == "" {
			return // of CONNECT; no wildcard stands for nothing
		}
	case single:
		p.literals(func(at place) { at.ended(segments[1:], yield) })
	}
	if at := p.atNode(); at != nil && at.single != nil {
		at.single.entered().ended(segments[1:], yield)
	}
}

// ended is meet behind a segment.
func (p place) ended(segments []segment, yield func(*leaf)) {
	if len(segments) > 0 {
		if at, ok := p.follow("/"); ok {
			at.meet(segments, yield)
		}
		return
	}
	if at := p.atNode(); at != nil && at.leaf != nil {
		yield(at.leaf)
	}
}

// literals yields the ends of all literal segments, but for an empty one, that go
// on from p.
func (p place) literals(yield func(place)) {
	begin := p
	var read func(p place)
	read = func(p place) {
		edge := p.n.prefix[p.done:]
		if slash := strings.IndexByte(edge, '/'); slash >= 0 {
			if p.done += slash; p != begin {
				yield(p)
			}
			return
		}
		p = p.n.entered()
		if p != begin && (p.n.leaf != nil || strings.IndexByte(p.n.first, '/') >= 0) {
			yield(p)
		}
		for i, kid := range p.n.kids {
			if p.n.first[i] != '/' {
				read(place{n: kid})
			}
		}
	}
	read(p)
}

// all yields every leaf from p on.
func (p place) all(yield func(*leaf)) {
	for _, l := range []*leaf{p.n.leaf, p.n.rest} {
		if l != nil {
			yield(l)
		}
	}
	if p.n.single != nil {
		p.n.single.entered().all(yield)
	}
	for _, kid := range p.n.kids {
		kid.entered().all(yield)
	}
}
