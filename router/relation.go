package router

import (
	"net/url"
	"strings"
)

// A relation is how the requests that one pattern matches lie to those of
// another.
type relation uint8

const (
	disjoint relation = iota // no request matches both
	same                     // the same requests match
	narrower                 // whatever matches the first matches the second, and more does
	wider                    // the other way round
	crossing                 // some requests match both, some only the first, some only the second
)

// and combines the relations of two independent parts of a pattern.
func (r relation) and(s relation) relation {
	switch {
	case r == disjoint || s == disjoint:
		return disjoint
	case r == same || r == s:
		return s
	case s == same:
		return r
	default:
		return crossing
	}
}

// against is the relation of p to q. Hosts do not count: a pattern with a host
// goes before all without one, whatever their paths.
func (p *pattern) against(q *pattern) relation {
	return methodRelation(p.method, q.method).and(pathRelation(p.segments, q.segments))
}

func methodRelation(m, n string) relation {
	switch {
	case m == n:
		return same
	case n == "" || m == "HEAD" && n == "GET": // a GET route answers HEAD as well
		return narrower
	case m == "" || m == "GET" && n == "HEAD":
		return wider
	default:
		return disjoint
	}
}

func pathRelation(p, q []segment) relation {
	r := same
	for i := 0; ; i++ {
		switch {
		case i == len(p) && i == len(q):
			return r
		case i == len(p) || i == len(q):
			return disjoint // one goes on where the other ends
		case p[i].kind == multi && q[i].kind == multi:
			return r
		case p[i].kind == multi:
			return r.and(wider)
		case q[i].kind == multi:
			return r.and(narrower)
		}
		r = r.and(segmentRelation(p[i], q[i]))
		if r == disjoint {
			return r
		}
	}
}

// segmentRelation compares segments that do not take the rest.
func segmentRelation(s, t segment) relation {
	switch {
	case s.kind == t.kind:
		if s.kind == literal && s.text != t.text {
			return disjoint
		}
		return same
	case s.kind == end || t.kind == end:
		return disjoint // a wildcard does not match nothing
	case s.text == "" && s.kind == literal, t.text == "" && t.kind == literal:
		return disjoint
	case s.kind == literal:
		return narrower
	default:
		return wider
	}
}

// witness is a method and a path that both patterns match, which must not be
// disjoint.
func witness(p, q *pattern) string {
	method := p.method
	if method == "" || method == "GET" && q.method == "HEAD" {
		method = q.method
	}
	if method == "" {
		method = "GET"
	}
	var path strings.Builder
	for i := range max(len(p.segments), len(q.segments)) {
		path.WriteByte('/')
		path.WriteString(example(segmentAt(p, i), segmentAt(q, i)))
	}
	return method + " " + p.host + path.String()
}

// segmentAt is segment i of p. Behind its end p must take the rest.
func segmentAt(p *pattern, i int) segment {
	if i >= len(p.segments) {
		return p.segments[len(p.segments)-1]
	}
	return p.segments[i]
}

// example is a segment of a path that matches both s and t.
func example(s, t segment) string {
	if t.kind < s.kind {
		s = t // the narrower one
	}
	switch s.kind {
	case end, multi:
		return ""
	case single:
		return s.text
	default:
		return escapedSegment(s.text)
	}
}

// only is a path that p matches and q does not; p must not be narrower than q or
// the same.
func only(p, q *pattern) string {
	var path strings.Builder
	for i, s := range p.segments {
		path.WriteByte('/')
		t := segmentAt(q, min(i, len(q.segments)-1))
		switch {
		case s.kind == multi && i < len(q.segments):
			// What is behind tells them apart: nothing, unless that is what q wants.
			if t.kind == end {
				path.WriteString("x")
			}
			return path.String()
		case s.kind == single && t.kind == literal && t.text == s.text:
			path.WriteString(s.text + "x")
		case s.kind == single:
			path.WriteString(s.text)
		case s.kind == literal:
			path.WriteString(escapedSegment(s.text))
		}
	}
	return path.String()
}

// escapedSegment is how a normalized segment is written in a URL.
func escapedSegment(text string) string { return url.PathEscape(unguarded.Replace(text)) }
