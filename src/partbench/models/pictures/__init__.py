"""Models that say of what class a picture is: pixels in, one answer a picture out."""
