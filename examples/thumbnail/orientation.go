package main

import (
	"encoding/binary"
	"image"
)

// An orientation is the value of the Exif tag 0x0112: how the stored image must
// be turned and mirrored to stand upright.
type orientation uint16

const (
	upright     orientation = 1
	transposed  orientation = 5 // from here on rows are stored as columns
	maxKnown    orientation = 8
	tagOriented             = 0x0112
)

func (o orientation) swapsSides() bool { return o >= transposed }

// orientationOf finds the orientation in a JPEG file. A file without it, or
// with a damaged one, counts as upright.
func orientationOf(file []byte) orientation {
	const (
		startOfImage = 0xd8
		startOfScan  = 0xda
		app1         = 0xe1
	)
	if len(file) < 2 || file[0] != 0xff || file[1] != startOfImage {
		return upright
	}
	for rest := file[2:]; len(rest) >= 4 && rest[0] == 0xff && rest[1] != startOfScan; {
		if rest[1] == 0xff { // a fill byte before a marker
			rest = rest[1:]
			continue
		}
		length := int(binary.BigEndian.Uint16(rest[2:]))
		if length < 2 || 2+length > len(rest) {
			return upright
		}
		segment := rest[4 : 2+length]
		if rest[1] == app1 && len(segment) > 6 && string(segment[:6]) == "Exif\x00\x00" {
			return orientationOfTIFF(segment[6:])
		}
		rest = rest[2+length:]
	}
	return upright
}

// orientationOfTIFF reads the first directory of the TIFF structure that holds
// Exif data.
func orientationOfTIFF(tiff []byte) orientation {
	if len(tiff) < 8 {
		return upright
	}
	var order binary.ByteOrder
	switch string(tiff[:4]) {
	case "II*\x00":
		order = binary.LittleEndian
	case "MM\x00*":
		order = binary.BigEndian
	default:
		return upright
	}
	at := uint64(order.Uint32(tiff[4:]))
	if at+2 > uint64(len(tiff)) {
		return upright
	}
	entries := uint64(order.Uint16(tiff[at:]))
	const size = 12 // of an entry: tag, type, count, value
	for i := range entries {
		entry := at + 2 + i*size
		if entry+size > uint64(len(tiff)) {
			return upright
		}
		if order.Uint16(tiff[entry:]) != tagOriented {
			continue
		}
		if o := orientation(order.Uint16(tiff[entry+8:])); o >= upright && o <= maxKnown {
			return o
		}
		return upright
	}
	return upright
}

// apply makes an image stand upright.
func (o orientation) apply(m *image.NRGBA) *image.NRGBA {
	if o == upright {
		return m
	}
	w, h := m.Bounds().Dx(), m.Bounds().Dy()
	size := image.Rect(0, 0, w, h)
	if o.swapsSides() {
		size = image.Rect(0, 0, h, w)
	}
	out := image.NewNRGBA(size)
	for y := range h {
		for x := range w {
			var to image.Point
			switch o {
			case 2: // mirrored left to right
				to = image.Pt(w-1-x, y)
			case 3: // upside down
				to = image.Pt(w-1-x, h-1-y)
			case 4: // mirrored top to bottom
				to = image.Pt(x, h-1-y)
			case 5: // rows and columns exchanged
				to = image.Pt(y, x)
			case 6: // to be turned clockwise
				to = image.Pt(h-1-y, x)
			case 7: // exchanged across the other diagonal
				to = image.Pt(h-1-y, w-1-x)
			case maxKnown: // to be turned counter-clockwise
				to = image.Pt(y, w-1-x)
			default:
				to = image.Pt(x, y)
			}
			out.SetNRGBA(to.X, to.Y, m.NRGBAAt(x, y))
		}
	}
	return out
}
