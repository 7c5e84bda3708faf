package router

import "strings"

// A span is a part of a path: the bytes from and before to.
type span struct{ from, to uint16 }

// spans are what the wildcards of a pattern stand for.
type spans [MaxParams]span

// match finds the leaf that path leads to from n, which path was read up to at.
// Where several do, the first of literal, single wildcard and rest of the path
// wins: the patterns in a tree do not conflict, so that is the most specific one.
// The spans of the wildcards up to k are known.
//
// A path visits a node at most once, because there is one way to it. So a lookup
// takes no more steps than there are nodes, and few in a table where the
// literals differ early.
//
//nolint:gocognit // every request runs through this loop; calls would cost more than reading it
func (n *node) match(path string, at int, found *spans, k int) *leaf {
	for {
		if at == len(path) {
			if n.leaf != nil {
				return n.leaf
			}
			break
		}
		if i := indexByte(n.first, path[at]); i >= 0 {
			kid := n.kids[i]
			if behind := at + len(kid.prefix); len(path) >= behind && path[at:behind] == kid.prefix {
				if n.single == nil && n.rest == nil {
					n, at = kid, behind
					continue
				}
				if l := kid.match(path, behind, found, k); l != nil {
					return l
				}
			}
		}
		if n.single == nil || path[at] == '/' {
			break
		}
		behind := segmentEnd(path, at)
		found[k] = span{uint16(at), uint16(behind)}
		if n.rest != nil {
			if l := n.single.match(path, behind, found, k+1); l != nil {
				return l
			}
			break
		}
		n, at, k = n.single, behind, k+1
	}
	if n.rest == nil {
		return nil
	}
	if k < MaxParams { // a slash at the end of a pattern has no name, and none of them is full
		found[k] = span{uint16(at), uint16(len(path))}
	}
	return n.rest
}

// indexByte is [strings.IndexByte], which is slower where there is little to look
// through.
func indexByte(s string, c byte) int {
	if len(s) > 8 {
		return strings.IndexByte(s, c)
	}
	for i := range len(s) {
		if s[i] == c {
			return i
		}
	}
	return -1
}

// endsWithSlash reports whether a pattern matches path, read up to at, and one
// more slash behind it, and nothing after that slash is left to a wildcard.
func (n *node) endsWithSlash(path string, at int) bool {
	if at == len(path) {
		i := strings.IndexByte(n.first, '/')
		return i >= 0 && n.kids[i].prefix == "/" && (n.kids[i].leaf != nil || n.kids[i].rest != nil)
	}
	if i := indexByte(n.first, path[at]); i >= 0 {
		kid := n.kids[i]
		behind := at + len(kid.prefix)
		switch {
		case len(path) >= behind:
			if path[at:behind] == kid.prefix && kid.endsWithSlash(path, behind) {
				return true
			}
		case path[at:]+"/" == kid.prefix: // the slash is the end of the edge
			if kid.leaf != nil || kid.rest != nil {
				return true
			}
		}
	}
	if n.single == nil || path[at] == '/' {
		return false
	}
	return n.single.endsWithSlash(path, segmentEnd(path, at))
}

// segmentEnd is where the segment of path that goes on at ends.
func segmentEnd(path string, at int) int {
	if i := strings.IndexByte(path[at:], '/'); i >= 0 {
		return at + i
	}
	return len(path)
}
