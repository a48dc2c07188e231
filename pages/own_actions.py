"""Teach it actions of one's own: name them, bring photos, train, try, and keep the model."""

import streamlit as st

st.title("My own actions")
