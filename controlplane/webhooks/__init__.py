"""Web hooks: others hear of switch events, so that a pager or a chat tells of them."""
